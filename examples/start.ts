import { runGateway } from '@spillway/gateway';
import { banner } from './banner.ts';
import { Demo } from './demo.ts';

const demo = new Demo();

await runGateway({
  command: 'npm start --',
  options: demo.options,
  setup: (gateway) => demo.setup(gateway),
  async started(gateway) {
    const end = await demo.started(gateway);
    process.stdout.write(banner(gateway.address(), demo.overview(gateway)));
    return end;
  },
});
