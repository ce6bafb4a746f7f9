// Comes before the connector's code in every component. The engine's own clock and chance are those of the moment in which the component was built:
// whoever asks for them gets an error instead of an answer that never changes.

const instead = {
  clock: 'the sandbox has no clock of its own: ask `hub.runtime.now()`',
  random: 'the sandbox has no chance of its own: ask `hub.runtime.random(count)`',
  timer: 'the sandbox has no timers: call `hub.runtime.sleep(milliseconds)`',
  fetch: 'the sandbox has no network of its own: send `hub.get(url)`',
};

const refuse = (message) => () => {
  throw Object.assign(new Error(message), { payload: { tag: 'permanent', val: message } });
};

globalThis.Date = class extends Date {
  constructor(...given) {
    if (given.length === 0) refuse(instead.clock)();
    super(...given);
  }

  static now = refuse(instead.clock);
};
Math.random = refuse(instead.random);
for (const name of ['setTimeout', 'setInterval']) globalThis[name] = refuse(instead.timer);
globalThis.fetch = refuse(instead.fetch);
globalThis.performance.now = refuse(instead.clock);
globalThis.crypto.getRandomValues = refuse(instead.random);
globalThis.crypto.randomUUID = refuse(instead.random);
