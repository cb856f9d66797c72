import { connect } from '@spillway/client';

const session = await connect('http://localhost:8080');
console.log('connected over', session.transport.name, session.transport.reasons);
const chat = session.channel<{ SAY: string; TICK: number }>('chat/lobby');
chat.on('SAY', (text, meta) => console.log(meta.seq, text));
chat.on('TICK', (time) => console.log('tick', time));
await chat.subscribe();
chat.publish('SAY', 'hello, everyone');
console.log('the server says', await session.request('TIME'));
