import { engineCompliance } from '../compliance/engine.ts';
import type { Engine } from '../core/contracts/engine.ts';
import { rwebtransport } from './rwebtransport.ts';
import { clients } from './test-client.ts';

engineCompliance('rwebtransport', {
  load: async () => (await rwebtransport()) as Engine,
  client: clients.rwebtransport,
  refusal: 'close',
});
