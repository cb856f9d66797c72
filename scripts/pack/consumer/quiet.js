// Imports every package and sees that nothing happens: no global, listener, timer, socket or output.
import { deepStrictEqual } from 'node:assert';

const state = () => ({
  globals: Reflect.ownKeys(globalThis)
    .filter((key) => typeof key === 'string')
    .sort(),
  listeners: process.eventNames().map((name) => [String(name), process.listenerCount(name)]),
  resources: process
    .getActiveResourcesInfo()
    .filter((name) => /Timeout|Immediate|TCP|UDP|Server|Process|Worker|MessagePort/.test(name)),
});

const before = state();
const exported = {};
for (const name of process.argv.slice(2)) exported[name] = Object.keys(await import(name)).sort();
deepStrictEqual(state(), before);
console.log(JSON.stringify(exported));
