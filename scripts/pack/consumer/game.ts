// A page of somebody else with the kits; checked with the types of browsers alone.
import { connect } from '@spillway/client';
import { defineInput, defineState, integer, joinLoop, quantized } from '@spillway/client/loop';
import { telemetry, watchRollups } from '@spillway/client/telemetry';

const place = quantized({ min: 0, max: 100, step: 0.1 });
const state = defineState({ craft: { x: place, y: place } });
const input = defineInput({ dx: integer({ min: -1, max: 1 }) });

const session = await connect('https://play.example');
const game = await joinLoop(session, 'arena/7', { state, input, sample: () => ({ dx: 1 }) });
for (const [id, { x }] of game.update(performance.now()).entities) console.log(id, x.toFixed());
console.log(game.clock.serverNow(), game instanceof Object);

const producer = telemetry(session, { channel: 'plant/7', clock: game.clock });
const heat = producer.series('line-1/temp', { unit: '°C', decimals: 1 });
heat.record(21.5);

export { watchRollups };
