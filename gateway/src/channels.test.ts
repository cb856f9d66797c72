import { channelCompliance } from './compliance/channels.ts';

for (const rung of ['webtransport', 'websocket', 'sse', 'longpoll'] as const)
  for (const encoding of ['binary', 'json'] as const) channelCompliance(rung, encoding);
