/**
 * A client that connects, says so, and waits to be killed: `node victim.ts <engine> <target as JSON>`. Run by
 * the compliance suite.
 */
import { clients, type Target } from './test-client.ts';

const [engine, target] = process.argv.slice(2);
const { hash, ...rest } = JSON.parse(target!) as Omit<Target, 'hash'> & { hash: number[] };
const client = await clients[engine as keyof typeof clients]();
const session = client.open({ ...rest, hash: Uint8Array.from(hash) });
await session.ready;
process.send?.('connected');
setInterval(() => {}, 1 << 30);
