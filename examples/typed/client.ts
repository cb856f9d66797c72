import { connect } from '@spillway/client';
import type { app } from './app.ts';

const session = await connect<typeof app>('http://localhost:8080');
session.handle('NAME', () => 'Ada');
const lobby = session.channel('chat/lobby');
lobby.on('SAY', (text) => console.log(text.toUpperCase()));
await lobby.subscribe();
lobby.publish('SAY', 'hello, everyone', { receipt: (stage) => console.log('said:', stage) });
for await (const number of session.stream('COUNT', 5)) console.log(number + 1);
