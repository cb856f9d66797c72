import { type RunningGateway, startGateway } from '../gateway.ts';
import { forward } from './forwarder.ts';
import { type Network, openNetwork } from './network.ts';

/** A gateway with the examples on one host, for browsers on another. */
export interface TwoHosts extends AsyncDisposable {
  readonly network: Network;
  /** The page's origin, inside the client's namespace. */
  readonly origin: string;
}

/** Rejects where there are no namespaces. */
export async function openTwoHosts(): Promise<TwoHosts> {
  const network = await openNetwork();
  let gateway: RunningGateway | undefined;
  const close = async (): Promise<void> => {
    await gateway?.close();
    await network.close();
  };
  try {
    const { address } = network.gateway;
    // A namespace has all ports for itself.
    gateway = await startGateway({
      namespace: network.gateway,
      examples: true,
      options: {
        host: address,
        port: 4433,
        http: { host: address, port: 8080 },
        origins: ['http://localhost:8080'],
        advertise: { webtransport: `https://${address}:4433/wt` },
      },
    });
    // Browsers give WebTransport only to secure pages, and http://localhost is one: as a developer's page would be.
    await forward(network.client, '8080', `${address}:8080`);
    return { network, origin: 'http://localhost:8080', [Symbol.asyncDispose]: close };
  } catch (error) {
    await close();
    throw error;
  }
}
