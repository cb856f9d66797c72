import { CLOSE } from '@spillway/envelope';
import type { Receiver } from '../gateway/src/core/contracts/transport.ts';
import type { Core } from './gateway.ts';
import type { Machine } from './machine.ts';
import type { Network, Rung } from './network.ts';
import { Flow, Way, type Weather } from './way.ts';

/** Hears of the end of a wire, in its own process. */
type Told = (code: number, reason: string) => void;

/** The client's end of a stream of the gateway. */
export interface Incoming {
  take(bytes: Uint8Array): void;
  end(): void;
}

/** One transport between the client and a gateway process, below both ends' own code. */
export class Wire {
  readonly rung: Rung;
  readonly network: Network;
  readonly weather: Weather;
  readonly core: Core;
  readonly up: Way;
  readonly down: Way;
  /** Set by each end once it is there. */
  client: Told = () => {};
  gateway: Told = () => {};
  /** What the gateway makes of bytes. */
  receiver: Receiver | undefined;
  /** The gateway's way to the control stream, or into the pipe, and what takes it at the client. */
  readonly control: Flow;
  onControl: (bytes: Uint8Array) => void = () => {};
  onDatagram: (bytes: Uint8Array) => void = () => {};
  /** The gateway has opened a stream. */
  onStream: () => Incoming = () => ({ take() {}, end() {} });
  ended = false;

  constructor(network: Network, rung: Rung, weather: Weather, client: Machine, core: Core) {
    const { clock, random } = network;
    this.rung = rung;
    this.network = network;
    this.weather = weather;
    this.core = core;
    this.up = new Way(clock, random, weather, core.machine, () => network.deadUntil(rung, 'up'));
    this.down = new Way(clock, random, weather, client, () => network.deadUntil(rung, 'down'));
    this.control = new Flow(this.down);
  }

  /** The client writes one packet into its pipe. */
  sendUp(flow: Flow, bytes: Uint8Array): void {
    flow.send(bytes.length, () => this.receiver?.receive(bytes, true));
  }

  /** All that is under way is lost. Each end hears of it after so many ms; Infinity: never. */
  cut(tellClient: number, tellGateway: number): void {
    if (this.ended) return;
    this.#end();
    this.#tell(this.down.to, tellClient, () => this.client(CLOSE['transport-lost'], ''));
    this.#tell(this.up.to, tellGateway, () => this.gateway(CLOSE['transport-lost'], ''));
  }

  /** The gateway's process closes. `behind`: what has to arrive first. */
  closeDown(code: number, reason: string, behind: Flow): void {
    behind.send(20, () => {
      this.#end();
      this.client(code, reason);
    });
  }

  /** The client closes. */
  closeUp(code: number, reason: string, behind: Flow): void {
    behind.send(20, () => {
      this.#end();
      this.gateway(code, reason);
    });
  }

  #end(): void {
    this.ended = true;
    this.up.ended = true;
    this.down.ended = true;
  }

  #tell(machine: Machine, delay: number, run: () => void): void {
    if (delay < Number.POSITIVE_INFINITY) this.network.clock.after(delay, () => machine.hear(run));
  }
}
