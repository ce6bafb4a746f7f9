// Why a connector stops, in the words that the scheduler understands. Carries no value of a record.

/** Thrown by connectors and by this SDK. `payload` is the ABI's `error`. */
export class ConnectorError extends Error {
  constructor(payload) {
    super(textOf(payload));
    this.name = 'ConnectorError';
    this.payload = payload;
  }

  /** `config`, `auth`, `transient`, `schema-drift`, `permanent` or `cancelled`. */
  get kind() {
    return this.payload.tag;
  }

  /** The operator must mend the configuration: never retried. */
  static config(message) {
    return new ConnectorError({ tag: 'config', val: message });
  }

  /** The remote refused the credential: never retried. */
  static auth(message) {
    return new ConnectorError({ tag: 'auth', val: message });
  }

  /** Worth another try, at the earliest after so many milliseconds. */
  static transient(message, afterMs) {
    return new ConnectorError({ tag: 'transient', val: { message, afterMs } });
  }

  /** The remote no longer matches the declared schema: the run stops. */
  static drift(message) {
    return new ConnectorError({ tag: 'schema-drift', val: message });
  }

  /** Will fail again in the same way. */
  static permanent(message) {
    return new ConnectorError({ tag: 'permanent', val: message });
  }

  /** The host asked for the end, or refused a call. */
  static cancelled() {
    return new ConnectorError({ tag: 'cancelled' });
  }
}

const KINDS = new Set(['config', 'auth', 'transient', 'schema-drift', 'permanent', 'cancelled']);

function textOf({ tag, val }) {
  if (tag === 'cancelled') return 'cancelled by the host';
  return tag === 'transient' ? val.message : val;
}

/** Runs a call of the host and turns what it throws with `translate`. */
export function calling(translate, call) {
  try {
    return call();
  } catch (error) {
    throw Object.hasOwn(Object(error), 'payload') ? translate(error.payload) : error;
  }
}

/** The ABI's `error` as the host answers it. */
export const ofHost = (payload) => new ConnectorError(payload);

/** The ABI's `fetch-error`: a refusal stops the run, what the network did may pass. */
export function ofFetch({ tag, val }) {
  switch (tag) {
    case 'denied':
      return ConnectorError.cancelled();
    case 'timeout':
      return ConnectorError.transient('no answer in time');
    case 'dns':
      return ConnectorError.transient(`the name could not be resolved: ${val}`);
    case 'transport':
      return ConnectorError.transient(`the connection failed: ${val}`);
    case 'malformed':
      return ConnectorError.drift(`the response is not what was expected: ${val}`);
    case 'tls':
      return ConnectorError.permanent(`no secure connection: ${val}`);
    case 'too-large':
      return ConnectorError.permanent(`the response is too large: the limit is ${val} bytes`);
    default:
      return ofCredential(val);
  }
}

function ofCredential({ config, message }) {
  const text = `the credential could not be made ready: ${message}`;
  return config ? ConnectorError.auth(text) : ConnectorError.transient(text);
}

/**
 * What left the connector's own code as one of the ABI's errors. The text of an error that nobody foresaw is left out: a value may stand in it, and
 * JSON.parse quotes what it cannot read.
 */
export function asConnectorError(error) {
  if (KINDS.has(error?.payload?.tag)) return error;
  const name = error instanceof Error ? error.name : 'a value that is no error';
  return ConnectorError.permanent(`the connector failed: ${name}${placeOf(error)}; report it to its author`);
}

/** Function, line and column of the bundled code, as far as the engine tells. */
function placeOf(error) {
  const [first] = String(error?.stack ?? '').match(/(?:at )?[^\s(@]*[\s@(]*[^\s(]*:\d+:\d+/) ?? [];
  const [, position] = first?.match(/(\d+:\d+)$/) ?? [];
  const [, called] = first?.replace(/^at /, '').match(/^([\w$.]+)[\s@]/) ?? [];
  return position ? ` in ${called ? `\`${called}\`, ` : ''}line ${position} of the bundle` : '';
}
