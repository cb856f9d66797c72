import { expect, test } from 'vitest';
import { type Life, watchLife } from './life.ts';

class Document extends EventTarget {
  visibilityState = 'visible';
}

class Connection extends EventTarget {
  type: string | undefined;
  effectiveType = '4g';
}

class Page extends EventTarget {
  readonly document = new Document();
  readonly navigator = { connection: new Connection() };
}

/** A page with somebody who watches it, and what that one heard. */
function page() {
  const target = new Page();
  const log: string[] = [];
  const watcher = {
    leave: () => log.push('leave'),
    wake: (newNetwork?: boolean) => log.push(newNetwork ? 'new network' : 'wake'),
  };
  return { target, log, unwatch: watchLife(watcher, target) };
}

function transition(type: string, persisted: boolean): Event {
  return Object.assign(new Event(type), { persisted });
}

test('a page that is hidden for good leaves; one that may come back does not', () => {
  const { target, log } = page();
  target.dispatchEvent(transition('pagehide', true));
  expect(log).toEqual([]);
  target.dispatchEvent(transition('pagehide', false));
  expect(log).toEqual(['leave']);
});

test('a page that comes back wakes, one that is new does not', () => {
  const { target, log } = page();
  target.dispatchEvent(transition('pageshow', false));
  expect(log).toEqual([]);
  target.dispatchEvent(transition('pageshow', true));
  expect(log).toEqual(['wake']);
});

test('a page that was frozen wakes, hidden or not', () => {
  const { target, log } = page();
  target.document.visibilityState = 'hidden';
  target.document.dispatchEvent(new Event('freeze'));
  target.document.dispatchEvent(new Event('resume'));
  expect(log).toEqual(['wake']);
});

test('a page wakes when it becomes visible, not when it is hidden', () => {
  const { target, log } = page();
  target.document.visibilityState = 'hidden';
  target.document.dispatchEvent(new Event('visibilitychange'));
  expect(log).toEqual([]);
  target.document.visibilityState = 'visible';
  target.document.dispatchEvent(new Event('visibilitychange'));
  expect(log).toEqual(['wake']);
});

test('a network that comes is a new one; one that goes changes nothing', () => {
  const { target, log } = page();
  target.dispatchEvent(new Event('offline'));
  expect(log).toEqual([]);
  target.dispatchEvent(new Event('online'));
  expect(log).toEqual(['new network']);
});

test('a connection of another kind is a new network, and that once', () => {
  const { target, log } = page();
  const { connection } = target.navigator;
  connection.type = 'wifi';
  connection.dispatchEvent(new Event('change'));
  connection.type = 'cellular';
  connection.dispatchEvent(new Event('change'));
  connection.dispatchEvent(new Event('change'));
  expect(log).toEqual(['new network', 'new network']);
});

test('a rate that wavers is no new network, and a link that gets slower is one only where its kind is not known', () => {
  const { target, log } = page();
  const { connection } = target.navigator;
  connection.dispatchEvent(new Event('change'));
  expect(log).toEqual([]);
  connection.effectiveType = '3g';
  connection.dispatchEvent(new Event('change'));
  expect(log).toEqual(['new network']);
  connection.type = 'cellular';
  connection.dispatchEvent(new Event('change'));
  connection.effectiveType = '2g';
  connection.dispatchEvent(new Event('change'));
  expect(log).toEqual(['new network', 'new network']);
});

test('after the undo nothing is heard any more', () => {
  const { target, log, unwatch } = page();
  unwatch();
  unwatch();
  target.dispatchEvent(transition('pagehide', false));
  target.dispatchEvent(transition('pageshow', true));
  target.dispatchEvent(new Event('online'));
  for (const type of ['resume', 'visibilitychange']) target.document.dispatchEvent(new Event(type));
  target.navigator.connection.type = 'cellular';
  target.navigator.connection.dispatchEvent(new Event('change'));
  expect(log).toEqual([]);
});

test.each<[string, Life]>([
  ['Node', globalThis as Life],
  ['a worker, which has no document', new EventTarget()],
  ['a browser without NetworkInformation', Object.assign(new EventTarget(), { navigator: {} })],
])('%s: what is missing is not missed', (_, life) => {
  watchLife({ leave: () => {}, wake: () => {} }, life)();
});
