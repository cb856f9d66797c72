import { createGateway, type Gateway, type GatewayOptions } from '@spillway/gateway';

/** A gateway in this process, on any free ports of loopback, with channels and handlers for the tests. */
export interface TestGateway extends AsyncDisposable {
  readonly gateway: Gateway;
  /** URL of the plain listener, where clients of the tests begin. */
  readonly url: string;
}

/** Starts it. `echo/:room` passes on what is published, `closed` refuses everybody, `ECHO` answers its payload, `KICK` closes
 * who asks for it, `NEVER` is not answered. */
export async function startTestGateway(options: GatewayOptions = {}): Promise<TestGateway> {
  const gateway = createGateway({ port: 0, http: { port: 0 }, logger: false, ...options });
  gateway.channel('echo/:room');
  gateway.channel('closed', { authorize: () => false });
  gateway.handle('ECHO', (payload) => payload);
  gateway.handle('KICK', (_payload, { session }) => session.close('forbidden', 'banned'));
  gateway.handle('NEVER', () => new Promise(() => {}));
  await gateway.listen();
  const { http } = gateway.address();
  return { gateway, url: http!, [Symbol.asyncDispose]: () => gateway.close() };
}
