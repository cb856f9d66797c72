import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import type { Link } from './link.ts';
import { must, type Namespace } from './namespace.ts';
import type { Answer, Order } from './relay.ts';
import type { Cut, Shapes, Traffics } from './shape.ts';

/** An order without its number. */
type Command = Order extends infer One ? (One extends Order ? Omit<One, 'id'> : never) : never;

/** As on a cable: no route leads out of the namespaces. */
const ADDRESSES: Link = { gateway: '10.77.0.1', client: '10.77.0.2' };
let opened = 0;

/** A link that can be made bad. Each call has taken effect when its promise resolves. */
export interface ShapedLink extends Link {
  /** Gives one direction or both a shape, for packets that are not yet on their way. */
  shape(shapes: Shapes): Promise<void>;
  /** Makes packets vanish from now on, those on their way included. Cuts add up until `restore`. */
  cut(cut: Cut): Promise<void>;
  /** Ends all cuts. The shape stays. */
  restore(): Promise<void>;
  /** Resets all established TCP connections at both ends; answers how many there were. */
  resetTcp(): Promise<number>;
  /** What has become of the packets so far. */
  traffic(): Promise<Traffics>;
  /** The devices vanish. */
  close(): Promise<void>;
}

/**
 * Joins two namespaces by TUN devices whose packets pass through a process that delays, loses and drops them.
 * Rejects where the machine does not let us. The devices live as long as that process, and it as long as this one.
 */
export async function shapedLink(gateway: Namespace, client: Namespace, seed: number): Promise<ShapedLink> {
  opened += 1;
  const run = `${process.pid.toString(36)}-${opened}`;
  const devices = { gateway: `sw-${run}-g`, client: `sw-${run}-c` };
  const file = (name: string): string => fileURLToPath(new URL(name, import.meta.url));
  const relay = spawn(
    'perl',
    [file('tun.pl'), devices.gateway, devices.client, process.execPath, file('relay.ts'), String(seed)],
    { stdio: ['ignore', 'inherit', 'pipe', 'ipc'] },
  );
  const close = async (): Promise<void> => {
    if (relay.pid === undefined || relay.exitCode !== null || relay.signalCode !== null) return;
    const gone = once(relay, 'exit');
    relay.kill('SIGKILL');
    await gone;
  };
  const orders = new Orders(relay);
  try {
    await orders.give<Traffics>({ order: 'traffic' });
    await attach(devices.gateway, gateway, ADDRESSES.gateway);
    await attach(devices.client, client, ADDRESSES.client);
  } catch (error) {
    await close();
    throw error;
  }
  return {
    ...ADDRESSES,
    shape: (shapes) => orders.give({ order: 'shape', shapes }),
    cut: (cut) => orders.give({ order: 'cut', cut }),
    restore: () => orders.give({ order: 'restore' }),
    resetTcp: () => orders.give({ order: 'reset' }),
    traffic: () => orders.give({ order: 'traffic' }),
    close,
  };
}

/** Moves a device into its namespace and gives it its address. It is called `cable` there, as on a cable. */
async function attach(device: string, namespace: Namespace, address: string): Promise<void> {
  await must(['ip', 'link', 'set', device, 'netns', namespace.name, 'name', 'cable']);
  await namespace.run(['ip', 'address', 'add', `${address}/24`, 'dev', 'cable']);
  // The kernel's own queue before the relay must never be the one that overflows.
  await namespace.run(['ip', 'link', 'set', 'cable', 'txqueuelen', '10000', 'up']);
}

/** Questions and answers over the relay's IPC channel. */
class Orders {
  readonly #relay: ChildProcess;
  readonly #waiting = new Map<number, { resolve: (value: never) => void; reject: (error: Error) => void }>();
  #given = 0;
  #gone: Error | undefined;

  constructor(relay: ChildProcess) {
    this.#relay = relay;
    relay.on('message', ({ id, value }: Answer) => {
      this.#waiting.get(id)?.resolve(value as never);
      this.#waiting.delete(id);
    });
    // Only what it says while it starts is of use: it is quiet afterwards.
    const said = relay.stderr ? text(relay.stderr) : Promise.resolve('');
    const gone = (error?: unknown): void => {
      void said.then((line) => this.#end(line.trim() || String(error ?? 'it ended')));
    };
    relay.on('exit', () => gone()).on('error', gone);
  }

  give<Value>(command: Command): Promise<Value> {
    this.#given += 1;
    const id = this.#given;
    const { promise, resolve, reject } = Promise.withResolvers<Value>();
    if (this.#gone) return Promise.reject(this.#gone);
    this.#waiting.set(id, { resolve, reject });
    // Where it fails, the exit tells more.
    this.#relay.send({ ...command, id } as Order, () => {});
    return promise;
  }

  #end(why: string): void {
    this.#gone = new Error(`no relay: ${why}`);
    for (const { reject } of this.#waiting.values()) reject(this.#gone);
    this.#waiting.clear();
  }
}
