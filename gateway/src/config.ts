import { parseArgs } from 'node:util';
import { DEFAULT_LIMITS, type Limits, resolveLimits } from './core/limits.ts';
import { originCheck } from './core/origins.ts';
import { createLogger, LOG_FORMATS, LOG_LEVELS } from './log.ts';
import { DEFAULTS, type GatewayOptions } from './options.ts';

/** A flag or environment variable with a value that cannot be. The message names it and what it accepts. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly code = 'bad-config';
}

interface Setting {
  readonly flag: string;
  /** What `--help` says, one line. */
  readonly help: string;
  readonly accepts: string;
  readonly default: string;
  readonly group: 'network' | 'security' | 'log' | 'limits';
  valid(value: string): boolean;
}

const port = (value: string) => /^\d{1,5}$/.test(value) && Number(value) <= 65_535;
const whole = (value: string) => /^[1-9]\d{0,14}$/.test(value);
const path = (value: string) => value.length > 0;
const oneOf = (values: readonly string[]) => (value: string) => values.includes(value);
const ENGINES = ['auto', 'rwebtransport', 'fails-components', 'none'] as const;

const LIMIT_HELP: Readonly<Record<keyof Limits, string>> = {
  maxMessageBytes: 'largest reliable message, bytes',
  maxHelloBytes: 'largest HELLO, bytes',
  messagesPerSecond: 'inbound messages of a session, sustained',
  messagesBurst: 'inbound messages of a session, at once',
  bytesPerSecond: 'inbound bytes of a session, sustained',
  subscriptionsPerSession: 'channels a session is subscribed to',
  requestsPerSession: 'requests of a session in progress',
  pendingPerSession: 'messages of a session that hooks have not finished',
  maxNames: 'dictionary numbers of a session',
  sendBudgetSoft: 'unsent bytes above which unreliable messages drop',
  sendBudgetHard: 'unsent bytes above which a session closes',
  sessionsPerAddress: 'sessions from one IP address',
  handshakesPerSecond: 'new connections from one IP address',
  maxSessions: 'sessions on this gateway',
  helloTimeout: 'from connection to HELLO, ms',
  idleTimeout: 'silence before a session is closed, ms',
  pingInterval: 'time between pings, ms',
  drainTimeout: 'how long a drain waits for clients, ms',
};

const SETTINGS: readonly Setting[] = [
  {
    group: 'network',
    flag: 'host',
    help: 'name or IP address for HTTP/3 and HTTPS',
    accepts: 'a name or IP address',
    default: DEFAULTS.host,
    valid: path,
  },
  {
    group: 'network',
    flag: 'port',
    help: 'UDP and TCP port for HTTP/3 and HTTPS',
    accepts: '0-65535, 0 for any free one',
    default: String(DEFAULTS.port),
    valid: port,
  },
  {
    group: 'network',
    flag: 'http-host',
    help: 'name or IP address for plain HTTP',
    accepts: 'a name or IP address',
    default: DEFAULTS.http.host,
    valid: path,
  },
  {
    group: 'network',
    flag: 'http-port',
    help: 'TCP port for plain HTTP',
    accepts: "0-65535, 0 for any free one, or 'off'",
    default: String(DEFAULTS.http.port),
    valid: (value) => value === 'off' || port(value),
  },
  {
    group: 'network',
    flag: 'engine',
    help: 'package that speaks HTTP/3',
    accepts: ENGINES.join(', '),
    default: DEFAULTS.engine,
    valid: oneOf(ENGINES),
  },
  {
    group: 'network',
    flag: 'advertise-webtransport',
    help: 'WebTransport URL to tell clients',
    accepts: 'an https: URL',
    default: 'the bound address',
    valid: isUrl('https:'),
  },
  {
    group: 'network',
    flag: 'advertise-websocket',
    help: 'WebSocket URL to tell clients',
    accepts: 'a ws: or wss: URL',
    default: 'where they asked',
    valid: isUrl('ws:', 'wss:'),
  },
  {
    group: 'security',
    flag: 'tls-cert',
    help: 'certificate chain, PEM file',
    accepts: 'a path',
    default: 'a development certificate',
    valid: path,
  },
  {
    group: 'security',
    flag: 'tls-key',
    help: 'private key, PEM file',
    accepts: 'a path',
    default: 'a development key',
    valid: path,
  },
  {
    group: 'security',
    flag: 'origins',
    help: 'pages that may connect',
    accepts: "origins separated by commas, or '*'",
    default: 'own host and loopback',
    valid: isOrigins,
  },
  {
    group: 'log',
    flag: 'log-level',
    help: 'least severe level to log',
    accepts: LOG_LEVELS.join(', '),
    default: 'info',
    valid: oneOf(LOG_LEVELS),
  },
  {
    group: 'log',
    flag: 'log-format',
    help: 'how log lines look',
    accepts: LOG_FORMATS.join(', '),
    default: 'auto',
    valid: oneOf(LOG_FORMATS),
  },
  ...(Object.keys(DEFAULT_LIMITS) as (keyof Limits)[]).map(
    (name): Setting => ({
      group: 'limits',
      flag: kebab(name),
      help: LIMIT_HELP[name],
      accepts: 'a whole number from 1',
      default: String(DEFAULT_LIMITS[name]),
      valid: whole,
    }),
  ),
];

/** Flags win over `SPILLWAY_*` variables, these over the defaults. */
export type Config = { readonly help: true } | { readonly help: false; readonly options: GatewayOptions };

/**
 * Reads flags (`--port 1`) and environment variables (`SPILLWAY_PORT=1`).
 * @throws ConfigError for an unknown flag or `SPILLWAY_` variable, or a value outside its range.
 */
export function parseConfig(
  argv: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): Config {
  const flags = readFlags(argv);
  if (flags.help === true) return { help: true };
  const values: Record<string, string> = {};
  for (const setting of SETTINGS) {
    const variable = variableName(setting.flag);
    const flag = flags[setting.flag];
    const [value, source] =
      typeof flag === 'string' ? [flag, `--${setting.flag}`] : [env[variable], variable];
    if (value === undefined || (value === '' && source === variable)) continue;
    if (!setting.valid(value)) {
      throw new ConfigError(`${source}: '${value}' is not accepted; it takes ${setting.accepts}`);
    }
    values[setting.flag] = value;
  }
  rejectUnknownVariables(env);
  return { help: false, options: toOptions(values) };
}

/** The text of `--help`. */
export function configHelp(command: string): string {
  const width = Math.max(...SETTINGS.map(({ flag }) => flag.length)) + 4;
  const lines = [
    `Usage: ${command} [flags]`,
    '',
    'Each flag is also an environment variable: --http-port is SPILLWAY_HTTP_PORT. Flags win.',
  ];
  for (const group of ['network', 'security', 'log', 'limits'] as const) {
    lines.push('', `${group[0]!.toUpperCase()}${group.slice(1)}`);
    for (const setting of SETTINGS) {
      if (setting.group !== group) continue;
      const accepts = group === 'limits' ? '' : `${setting.accepts}; `;
      lines.push(`  ${`--${setting.flag}`.padEnd(width)}${setting.help}`);
      lines.push(`  ${''.padEnd(width)}${accepts}default: ${setting.default}`);
    }
  }
  lines.push('', `  ${'--help'.padEnd(width)}this text`);
  return `${lines.join('\n')}\n`;
}

function readFlags(argv: readonly string[]): Record<string, string | boolean | undefined> {
  const options: Record<string, { type: 'string' | 'boolean'; short?: string }> = {
    help: { type: 'boolean', short: 'h' },
  };
  for (const { flag } of SETTINGS) options[flag] = { type: 'string' };
  try {
    return parseArgs({ args: [...argv], options, allowPositionals: false }).values as Record<
      string,
      string | boolean | undefined
    >;
  } catch (cause) {
    const message = cause instanceof Error ? cause.message.split('. ')[0]! : String(cause);
    throw new ConfigError(`${message}; --help lists the flags`, { cause });
  }
}

function rejectUnknownVariables(env: Readonly<Record<string, string | undefined>>): void {
  const known = new Set(SETTINGS.map(({ flag }) => variableName(flag)));
  for (const name of Object.keys(env)) {
    if (name.startsWith('SPILLWAY_') && !known.has(name)) {
      throw new ConfigError(`${name} is not a setting; --help lists them`);
    }
  }
}

function toOptions(values: Readonly<Record<string, string>>): GatewayOptions {
  const number = (flag: string) => (values[flag] === undefined ? undefined : Number(values[flag]));
  const cert = values['tls-cert'];
  const key = values['tls-key'];
  if ((cert === undefined) !== (key === undefined)) {
    throw new ConfigError(
      '--tls-cert and --tls-key go together: give both, or neither for a development certificate',
    );
  }
  const limits: Partial<Record<keyof Limits, number>> = {};
  for (const name of Object.keys(DEFAULT_LIMITS) as (keyof Limits)[]) {
    const value = number(kebab(name));
    if (value !== undefined) limits[name] = value;
  }
  checkLimits(limits);
  return {
    host: values.host,
    port: number('port'),
    http: values['http-port'] === 'off' ? false : { host: values['http-host'], port: number('http-port') },
    tls: cert !== undefined && key !== undefined ? { cert, key } : 'dev',
    engine: values.engine as GatewayOptions['engine'],
    origins: values.origins === undefined ? undefined : splitOrigins(values.origins),
    advertise: { webtransport: values['advertise-webtransport'], websocket: values['advertise-websocket'] },
    limits,
    logger: createLogger(
      values['log-level'] as (typeof LOG_LEVELS)[number],
      values['log-format'] as (typeof LOG_FORMATS)[number],
    ),
  };
}

function checkLimits(limits: Partial<Limits>): void {
  try {
    resolveLimits(limits);
  } catch (cause) {
    if (cause instanceof RangeError) throw new ConfigError(cause.message, { cause });
    throw cause;
  }
}

function isOrigins(value: string): boolean {
  try {
    originCheck(splitOrigins(value));
    return true;
  } catch {
    return false;
  }
}

function splitOrigins(value: string): readonly string[] | '*' {
  return value.trim() === '*' ? '*' : value.split(',').map((origin) => origin.trim());
}

function isUrl(...protocols: readonly string[]): (value: string) => boolean {
  return (value) => protocols.includes(URL.parse(value)?.protocol ?? '');
}

function kebab(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

function variableName(flag: string): string {
  return `SPILLWAY_${flag.replaceAll('-', '_').toUpperCase()}`;
}
