// A program that uses a session and closes it: `node leave.ts <url> <rung>`. Prints what is left of it, and how long the
// process took to end by itself.

import type { Rung } from '@spillway/client';
import { connect } from '@spillway/client';

const [url = '', rung = ''] = process.argv.slice(2);
const session = await connect(url, { transports: [rung as Rung] });
const room = session.channel('echo/room');
await room.subscribe();
await session.request('ECHO', 1);
session.stats();
await session.close();
// Node's own fetch has something to tidy up after a request.
await new Promise(setImmediate);
const left = process.getActiveResourcesInfo();
const closed = performance.now();
process.on('exit', () => {
  process.stdout.write(JSON.stringify({ left, took: performance.now() - closed }));
});
