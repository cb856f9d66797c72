import { parseArgs } from 'node:util';
import { DEFAULT_LIMITS, type Limits, MAX_LIMIT, resolveLimits } from './core/limits.ts';
import { originCheck } from './core/origins.ts';
import { isApiKey, KEY_SHAPE } from './http/api-keys.ts';
import { createLogger, LOG_FORMATS, LOG_LEVELS, type LogFormat, type LogLevel } from './log.ts';
import { DEFAULTS, type GatewayOptions, MAX_DELAY } from './options.ts';

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
  /** Its value is never shown. */
  readonly secret?: true;
  valid(value: string): boolean;
}

const port = (value: string) => /^\d{1,5}$/.test(value) && Number(value) <= 65_535;
const whole = (value: string) => /^[1-9]\d*$/.test(value) && Number(value) <= MAX_LIMIT;
const delay = (value: string) => /^\d{1,4}$/.test(value) && Number(value) <= MAX_DELAY;
const path = (value: string) => value.length > 0;
const oneOf = (values: readonly string[]) => (value: string) => values.includes(value);
const LIMITS = Object.keys(DEFAULT_LIMITS) as (keyof Limits)[];
const ENGINES = ['auto', 'rwebtransport', 'fails-components', 'none'] as const;

const LIMIT_HELP: Readonly<Record<keyof Limits, string>> = {
  maxMessageBytes: 'largest message, bytes',
  maxHelloBytes: 'largest HELLO, bytes',
  messagesPerSecond: 'inbound messages of a session, sustained',
  messagesBurst: 'inbound messages of a session, at once',
  bytesPerSecond: 'inbound bytes of a session, sustained',
  subscriptionsPerSession: 'channels a session is subscribed to',
  requestsPerSession: 'requests of a session in progress, of either end',
  rememberedRequests: 'requests of a session that are not done twice',
  errorsPerSecond: 'refusals of what a session sends, sustained',
  pendingPerSession: 'messages of a session that hooks have not finished',
  maxNames: 'dictionary numbers of a session',
  sendBudgetSoft: 'waiting bytes above which unreliable messages drop',
  sendBudgetHard: 'unsent bytes above which a session closes',
  historyBytes: 'history kept of all channels, bytes',
  retainBudget: 'bytes kept for a client that is away',
  sessionsPerAddress: 'connections from one IP address',
  handshakesPerSecond: 'new connections from one IP address',
  maxSessions: 'connections to this gateway',
  helloTimeout: 'from connection to HELLO, ms',
  idleTimeout: 'silence before a connection is closed, ms',
  stallTimeout: 'the same while something is unacknowledged, ms',
  resumeWindow: 'how long a session is kept for a lost client, ms',
  tokenLead: 'how long before the end of its token a client is told, ms',
  pingInterval: 'time between pings, ms',
  streamHeartbeat: 'time between comments in a silent event stream, ms',
  pollTimeout: 'how long a poll waits for something to answer, ms',
  maxPostBytes: 'largest body of a POST to /send, bytes',
  ticketLifetime: 'how long a ticket for /events is good, ms',
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
    group: 'network',
    flag: 'max-delay',
    help: 'how long small messages wait for company, ms',
    accepts: `0-${MAX_DELAY}, 0 for the end of the turn`,
    default: String(DEFAULTS.maxDelay),
    valid: delay,
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
    group: 'security',
    flag: 'anonymous',
    help: 'let everyone in where the program asks for no token',
    accepts: 'true, false',
    default: 'false, which is enough on loopback',
    valid: oneOf(['true', 'false']),
  },
  {
    group: 'security',
    flag: 'api-keys',
    help: 'opens /api to back ends; better a variable, since others can see flags',
    accepts: `keys separated by commas, ${KEY_SHAPE}`,
    default: 'no API',
    valid: (value) => value.split(',').every(isApiKey),
    secret: true,
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
  ...LIMITS.map(
    (name): Setting => ({
      group: 'limits',
      flag: kebab(name),
      help: LIMIT_HELP[name],
      accepts: `a whole number 1-${MAX_LIMIT}`,
      default: String(DEFAULT_LIMITS[name]),
      valid: whole,
    }),
  ),
];

/** What a program was asked to do. */
export type Config = { readonly help: true } | { readonly help: false; readonly options: GatewayOptions };

/**
 * Reads flags (`--port 1`) and environment variables (`SPILLWAY_PORT=1`). Flags win over variables, these over
 * `program`, the options that the program itself gives.
 * @throws ConfigError for an unknown flag or `SPILLWAY_` variable, or a value outside its range.
 */
export function parseConfig(
  argv: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
  program: GatewayOptions = {},
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
      const shown = setting.secret ? 'its value' : `'${value}'`;
      throw new ConfigError(`${source}: ${shown} is not accepted; it takes ${setting.accepts}`);
    }
    values[setting.flag] = value;
  }
  rejectUnknownVariables(env);
  return { help: false, options: merge(program, toOptions(values)) };
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
    const range = group === 'limits' ? ` (whole numbers 1-${MAX_LIMIT})` : '';
    lines.push('', `${group[0]!.toUpperCase()}${group.slice(1)}${range}`);
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
    // Without a value, or with one that begins with a dash: then Node's own message knows nothing of the range.
    const { code, message } = cause as NodeJS.ErrnoException;
    const flag = /--([\w-]+)/.exec(message)?.[1];
    const setting = SETTINGS.find((one) => one.flag === flag);
    if (code === 'ERR_PARSE_ARGS_INVALID_OPTION_VALUE' && setting !== undefined)
      throw new ConfigError(`--${flag} takes ${setting.accepts}`, { cause });
    throw new ConfigError(`${message.split('. ')[0]}; --help lists the flags`, { cause });
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

/** Only what was said, so that it can go over what a program says. */
function toOptions(values: Readonly<Record<string, string>>): GatewayOptions {
  const { host, port, engine, origins, anonymous, 'http-host': httpHost, 'http-port': httpPort } = values;
  const { 'api-keys': keys } = values;
  const { 'tls-cert': cert, 'tls-key': key, 'log-level': level, 'log-format': format } = values;
  const { 'advertise-webtransport': webtransport, 'advertise-websocket': websocket } = values;
  if ((cert === undefined) !== (key === undefined)) {
    throw new ConfigError(
      '--tls-cert and --tls-key go together: give both, or neither for a development certificate',
    );
  }
  const limits = LIMITS.map((name) => [name, number(values[kebab(name)])] as const);
  const isLogging = level !== undefined || format !== undefined;
  const options: GatewayOptions = {
    host,
    port: number(port),
    http: httpPort === 'off' ? false : said({ host: httpHost, port: number(httpPort) }),
    tls: cert !== undefined && key !== undefined ? { cert, key } : undefined,
    engine: engine as GatewayOptions['engine'],
    origins: origins === undefined ? undefined : splitOrigins(origins),
    anonymous: anonymous === undefined ? undefined : anonymous === 'true',
    api: keys === undefined ? undefined : { keys: keys.split(',') },
    advertise: said({ webtransport, websocket }),
    maxDelay: number(values['max-delay']),
    limits: said(Object.fromEntries(limits)),
    logger: isLogging ? createLogger(level as LogLevel, format as LogFormat) : undefined,
  };
  return said(options) ?? {};
}

function number(value: string | undefined): number | undefined {
  return value === undefined ? undefined : Number(value);
}

/** The members that have a value; undefined where none has. */
function said<T extends object>(members: T): Partial<T> | undefined {
  const entries = Object.entries(members).filter(([, value]) => value !== undefined);
  return entries.length === 0 ? undefined : (Object.fromEntries(entries) as Partial<T>);
}

function merge(program: GatewayOptions, given: GatewayOptions): GatewayOptions {
  const limits = { ...program.limits, ...given.limits };
  checkLimits(limits);
  return {
    ...program,
    ...given,
    http: given.http && program.http ? { ...program.http, ...given.http } : (given.http ?? program.http),
    advertise: { ...program.advertise, ...given.advertise },
    limits,
  };
}

function checkLimits(limits: Partial<Limits>): void {
  try {
    resolveLimits(limits);
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause;
    const message = cause.message.replace(/limits\.(\w+)/g, (_, name: string) => `--${kebab(name)}`);
    throw new ConfigError(message, { cause });
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
