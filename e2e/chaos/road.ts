import type { Addresses, GatewayOptions } from '@spillway/gateway';
import type { Cut, Shapes } from '../network/shape.ts';
import type { Host } from '../network/shaped-network.ts';
import { openShapedNetwork } from '../network/shaped-network.ts';

/** Two ends, and a way between them that can be struck. Each call has taken effect when its promise resolves. */
export interface Road extends AsyncDisposable {
  /** For the report. */
  readonly name: string;
  readonly gateway: Pick<Host, 'spawn'>;
  readonly client: Pick<Host, 'spawn'>;
  /** Where the gateway is to listen, and what it has to tell clients. */
  readonly options: GatewayOptions;
  /** The gateway listens: where clients find it. */
  open(addresses: Addresses): Promise<string>;
  /** Makes everything of this sort vanish until `restore`. */
  cut(cut: Cut): Promise<void>;
  restore(): Promise<void>;
  /** Resets all TCP connections at both ends. */
  resetTcp(): Promise<unknown>;
}

/** An ordinary mobile network: some delay, some jitter, and one packet in 200 is lost. */
const ORDINARY = { delay: 15, jitter: 5, loss: 0.005 };
const SHAPES: Shapes = { up: ORDINARY, down: ORDINARY };

/** A road between two network namespaces. Rejects where there are none. */
export async function shapedRoad(seed: number): Promise<Road> {
  const network = await openShapedNetwork({ seed });
  const { address } = network.gateway;
  return {
    name: `two network namespaces, ${ORDINARY.delay} ms each way and up to ${ORDINARY.jitter} more, ${ORDINARY.loss * 100} % loss`,
    gateway: network.gateway,
    client: network.client,
    options: { host: address, port: 4433, http: { host: address, port: 8080 } },
    open: async (addresses) => {
      await network.shape(SHAPES);
      return addresses.http!;
    },
    cut: network.cut,
    restore: network.restore,
    resetTcp: network.resetTcp,
    [Symbol.asyncDispose]: network.close,
  };
}
