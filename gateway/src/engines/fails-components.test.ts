import { engineCompliance } from '../compliance/engine.ts';
import type { Engine } from '../core/contracts/engine.ts';
import { failsComponents, failsEngine } from './fails-components.ts';
import { clients, hasFailsAddon, importFails } from './test-client.ts';

const native = hasFailsAddon();
if (!native)
  console.log(
    'fails-components: no native addon here, its suite runs over the HTTP/2 server of the same package',
  );

engineCompliance('fails-components', {
  load: async () => {
    if (native) return (await failsComponents()) as Engine;
    const { Http2Server } = await importFails();
    return failsEngine(Http2Server, 'HTTP/2');
  },
  client: clients['fails-components'],
  refusal: 'status',
});
