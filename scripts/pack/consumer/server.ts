// A gateway and a client of it in one process, from the packed packages.
import { deepStrictEqual, strictEqual } from 'node:assert';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Certificate, devCertificate } from '@spillway/certs';
import { connect, type Session } from '@spillway/client';
import { createGateway, type Gateway } from '@spillway/gateway';

interface Greetings {
  HELLO: { readonly from: string };
}

const gateway: Gateway = createGateway({ http: { port: 0 }, port: 0, engine: 'none', logger: false });
gateway.channel('room/:name', {
  onPublish: ({ type }, { params }) => strictEqual(`${type} ${params.name}`, 'HELLO one'),
});
gateway.handle('ADD', (numbers) => (numbers as number[]).reduce((sum, number) => sum + number, 0));
await gateway.listen();

const session: Session = await connect(gateway.address().http!);
strictEqual(session.transport.name, 'websocket');
strictEqual(await session.request('ADD', [1, 2, 3]), 6);
const room = session.channel<Greetings>('room/one');
const greeted = new Promise<string>((resolve) => room.on('HELLO', ({ from }) => resolve(from)));
await room.subscribe();
room.publish('HELLO', { from: 'a fresh project' });
strictEqual(await greeted, 'a fresh project');
await session.close();
await gateway.close();

const directory = mkdtempSync(join(tmpdir(), 'spillway-'));
const certificate: Certificate = await devCertificate({ directory });
deepStrictEqual(certificate.hosts, ['localhost', '127.0.0.1', '::1']);
rmSync(directory, { recursive: true });
console.log('fine');
