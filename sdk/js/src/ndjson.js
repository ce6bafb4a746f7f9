// A line of NDJSON.

/** A line as an object; undefined: it is none. */
export function recordOf(line) {
  try {
    const value = JSON.parse(line);
    return value !== null && typeof value === 'object' && !Array.isArray(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
