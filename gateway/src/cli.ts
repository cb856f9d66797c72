import { CertificateError } from '@spillway/certs';
import { ConfigError, configHelp, parseConfig } from './config.ts';
import { EngineError } from './core/contracts/engine.ts';
import { SpillwayError } from './core/errors.ts';
import { createGateway, type Gateway } from './gateway.ts';
import type { GatewayOptions } from './options.ts';

/** What to end before the gateway closes, if anything. */
export type Cleanup = (() => void | Promise<void>) | undefined;

export interface CliOptions {
  /** How the command is called, for `--help`. */
  readonly command: string;
  /** @default process.argv.slice(2) */
  readonly argv?: readonly string[] | undefined;
  /** @default process.env */
  readonly env?: Readonly<Record<string, string | undefined>> | undefined;
  /** What the program says; flags and variables go over it. */
  readonly options?: GatewayOptions | undefined;
  /** Declares channels and handlers, before the gateway listens. */
  setup?(gateway: Gateway): void | Promise<void>;
  /** The gateway listens: print the URLs, start what belongs to it. Returns what to end before it closes. */
  started?(gateway: Gateway): Cleanup | Promise<Cleanup>;
}

/**
 * Runs a gateway as a program: configuration from flags and `SPILLWAY_*` variables, `--help`, an end on SIGINT and
 * SIGTERM. Exit codes: 0 ended by a signal, 1 could not start or failed, 2 bad configuration.
 */
export async function runGateway(cli: CliOptions): Promise<void> {
  const { command, argv = process.argv.slice(2), env = process.env } = cli;
  let gateway: Gateway | undefined;
  let end: Cleanup;
  const signals = ['SIGINT', 'SIGTERM'] as const;
  let stopping = false;
  const stop = () => {
    // A second signal means now.
    if (stopping) process.exit(1);
    stopping = true;
    void close(gateway, end).then(
      () => process.exit(0),
      (error: unknown) => fail(error),
    );
  };
  try {
    const config = parseConfig(argv, env, cli.options);
    if (config.help) {
      process.stdout.write(configHelp(command));
      return;
    }
    for (const signal of signals) process.on(signal, stop);
    gateway = createGateway(config.options);
    await cli.setup?.(gateway);
    await gateway.listen();
    end = await cli.started?.(gateway);
  } catch (error) {
    if (stopping) return;
    await gateway?.close();
    fail(error);
  }
}

async function close(gateway: Gateway | undefined, end: Cleanup): Promise<void> {
  try {
    await end?.();
  } finally {
    await gateway?.close();
  }
}

function fail(error: unknown): never {
  const expected =
    error instanceof ConfigError ||
    error instanceof SpillwayError ||
    error instanceof CertificateError ||
    error instanceof EngineError ||
    error instanceof RangeError;
  process.stderr.write(
    expected ? `spillway: ${error.message}\n` : `spillway: ${(error as Error)?.stack ?? String(error)}\n`,
  );
  process.exit(error instanceof ConfigError ? 2 : 1);
}
