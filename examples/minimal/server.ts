import { createGateway } from '@spillway/gateway';

const gateway = createGateway();
gateway.channel('chat/:room');
gateway.handle('TIME', () => new Date().toISOString());
gateway.on('session', (session) => session.send('GREETING', `hello ${session.id}`));
await gateway.listen();
console.log(gateway.address());
setInterval(() => gateway.publish('chat/lobby', 'TICK', Date.now(), { delivery: 'unreliable' }), 1000);
