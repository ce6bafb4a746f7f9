/** What the user of the tool is told: what, where, what to do. */
export class Problem extends Error {}

/** Runs an act; anything but a problem that it throws is told as one, behind `what`. */
export async function within(what, act) {
  try {
    return await act();
  } catch (error) {
    throw error instanceof Problem ? error : new Problem(`${what}: ${error.message}`);
  }
}
