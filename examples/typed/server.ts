import { createGateway, serve } from '@spillway/gateway';
import { app } from './app.ts';

const gateway = createGateway();
const chat = serve(gateway, app, {
  channels: {
    'chat/:room': {
      onSubscribe: async ({ session, params }) => {
        const name = await chat.session(session).request('NAME');
        chat.publish(`chat/${params.room}`, 'SAY', `${name} is here`);
      },
      onPublish: ({ type, payload }, { params }) => console.log(params.room, type, payload),
    },
  },
  requests: {
    COUNT: async function* (to) {
      for (let number = 1; number <= to; number++) yield number;
    },
  },
});
await gateway.listen();
console.log(gateway.address());
