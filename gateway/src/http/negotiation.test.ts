import { expect, test } from 'vitest';
import { negotiation, type Offer, urlHost } from './negotiation.ts';

const OFFER: Offer = {
  server: 'spillway/0.0.0',
  webtransport: { host: '127.0.0.1', port: 4433 },
  certificateHashes: [],
  limits: { maxMessageBytes: 65_536 },
  advertise: {},
};

function transports(given: Partial<Offer>, host: string | undefined, secure = false): unknown {
  return (negotiation({ ...OFFER, ...given }, host, secure) as { transports: unknown }).transports;
}

test('tells version, server, transports and limits', () => {
  expect(negotiation(OFFER, 'localhost:8080', false)).toEqual({
    protocol: 1,
    server: 'spillway/0.0.0',
    transports: {
      webtransport: 'https://127.0.0.1:4433/wt',
      websocket: 'ws://localhost:8080/ws',
      sse: 'http://localhost:8080/sse',
      longpoll: 'http://localhost:8080/poll',
    },
    limits: { maxMessageBytes: 65_536 },
  });
});

test('tells certificate hashes where browsers need them', () => {
  const hash = Uint8Array.from({ length: 32 }, (_, index) => index);
  expect(negotiation({ ...OFFER, certificateHashes: [hash] }, 'localhost', false)).toMatchObject({
    certificateHashes: [{ algorithm: 'sha-256', value: Buffer.from(hash).toString('base64') }],
  });
});

test('what comes by TCP is where the document was asked for, with the same security', () => {
  expect(transports({}, 'play.example:8443', true)).toMatchObject({
    websocket: 'wss://play.example:8443/ws',
    sse: 'https://play.example:8443/sse',
    longpoll: 'https://play.example:8443/poll',
  });
  expect(transports({}, 'play.example', true)).toMatchObject({ websocket: 'wss://play.example/ws' });
  expect(transports({}, '[::1]:8080')).toMatchObject({ websocket: 'ws://[::1]:8080/ws' });
});

test('without an engine there is no WebTransport', () => {
  expect(transports({ webtransport: undefined }, 'localhost:8080')).not.toHaveProperty('webtransport');
});

test.each([
  // bound to, asked for under, told
  ['127.0.0.1', 'localhost:8080', 'https://127.0.0.1:4433/wt'],
  ['::1', 'localhost:8080', 'https://[::1]:4433/wt'],
  ['localhost', 'localhost:8080', 'https://localhost:4433/wt'],
  ['0.0.0.0', 'play.example:8080', 'https://play.example:4433/wt'],
  ['::', '[2001:db8::1]:8080', 'https://[2001:db8::1]:4433/wt'],
  ['192.168.1.7', 'play.example', 'https://play.example:4433/wt'],
  ['192.168.1.7', undefined, 'https://192.168.1.7:4433/wt'],
])("UDP bound to %s and asked as '%s' is told as %s", (host, asked, webtransport) => {
  expect(transports({ webtransport: { host, port: 4433 } }, asked)).toMatchObject({ webtransport });
});

test('what the operator advertises is told as it is', () => {
  const advertise = {
    webtransport: 'https://a.example/wt',
    websocket: 'wss://b.example/ws',
    sse: 'https://c.example/sse',
    longpoll: 'https://d.example/poll',
  };
  expect(transports({ advertise }, 'localhost:8080')).toEqual(advertise);
  expect(transports({ advertise, webtransport: undefined }, undefined)).toEqual(advertise);
});

test('without a word about them event stream and polls are beside the advertised WebSocket', () => {
  const advertise = { websocket: 'wss://b.example/live/ws' };
  expect(transports({ advertise }, 'localhost:8080')).toMatchObject({
    sse: 'https://b.example/live/sse',
    longpoll: 'https://b.example/live/poll',
  });
});

test.each([
  'evil.example/path',
  'evil.example?x',
  'user@evil.example',
  'evil.example"><script>',
  'a b',
  'host:99999',
  '',
  '[::1',
])("a Host that is no authority is not repeated: '%s'", (host) => {
  expect(transports({ webtransport: { host: '0.0.0.0', port: 4433 } }, host)).toEqual({
    webtransport: 'https://0.0.0.0:4433/wt',
  });
});

test('an IPv6 address stands in brackets in a URL', () => {
  expect(['::1', '[::1]', '127.0.0.1', 'localhost'].map(urlHost)).toEqual([
    '[::1]',
    '[::1]',
    '127.0.0.1',
    'localhost',
  ]);
});
