import { expect, test } from 'vitest';
import { ConfigError, configHelp, parseConfig } from './config.ts';
import { DEFAULT_LIMITS, type Limits } from './core/limits.ts';
import { SILENT } from './core/logger.ts';
import type { GatewayOptions } from './options.ts';

function options(argv: string[], env: Record<string, string> = {}, program?: GatewayOptions): GatewayOptions {
  const config = parseConfig(argv, env, program);
  if (config.help) throw new Error('help was asked for');
  return config.options;
}

function failure(argv: string[], env: Record<string, string> = {}, program?: GatewayOptions): string {
  try {
    parseConfig(argv, env, program);
  } catch (error) {
    if (error instanceof ConfigError) return error.message;
    throw error;
  }
  throw new Error(`${argv.join(' ')} was accepted`);
}

const kebab = (name: string) => name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
const variable = (flag: string) => `SPILLWAY_${flag.replaceAll('-', '_').toUpperCase()}`;

interface Case {
  readonly flag: string;
  readonly value: string;
  readonly means: Partial<GatewayOptions>;
  /** Refused, and what the message says is accepted. */
  readonly wrong: string;
  readonly accepts: string;
}

const CASES: readonly Case[] = [
  { flag: 'host', value: '0.0.0.0', means: { host: '0.0.0.0' }, wrong: '', accepts: 'a name or IP address' },
  { flag: 'anonymous', value: 'true', means: { anonymous: true }, wrong: 'yes', accepts: 'true, false' },
  { flag: 'port', value: '0', means: { port: 0 }, wrong: '65536', accepts: '0-65535' },
  { flag: 'port', value: '65535', means: { port: 65_535 }, wrong: '80a', accepts: '0-65535' },
  {
    flag: 'http-host',
    value: '::1',
    means: { http: { host: '::1' } },
    wrong: '',
    accepts: 'a name or IP address',
  },
  {
    flag: 'http-port',
    value: '8081',
    means: { http: { port: 8_081 } },
    wrong: 'on',
    accepts: "0-65535, 0 for any free one, or 'off'",
  },
  { flag: 'http-port', value: 'off', means: { http: false }, wrong: '1.5', accepts: "'off'" },
  {
    flag: 'engine',
    value: 'none',
    means: { engine: 'none' },
    wrong: 'quic',
    accepts: 'auto, rwebtransport, fails-components, none',
  },
  {
    flag: 'advertise-webtransport',
    value: 'https://play.example:443/wt',
    means: { advertise: { webtransport: 'https://play.example:443/wt' } },
    wrong: 'http://play.example',
    accepts: 'an https: URL',
  },
  {
    flag: 'advertise-websocket',
    value: 'wss://play.example/ws',
    means: { advertise: { websocket: 'wss://play.example/ws' } },
    wrong: 'play.example',
    accepts: 'a ws: or wss: URL',
  },
  { flag: 'max-delay', value: '0', means: { maxDelay: 0 }, wrong: '1001', accepts: '0-1000' },
  { flag: 'max-delay', value: '1000', means: { maxDelay: 1_000 }, wrong: '1.5', accepts: '0-1000' },
  {
    flag: 'origins',
    value: '*',
    means: { origins: '*' },
    wrong: 'play.example',
    accepts: "origins separated by commas, or '*'",
  },
  {
    flag: 'origins',
    value: 'https://a.example, https://*.b.example',
    means: { origins: ['https://a.example', 'https://*.b.example'] },
    wrong: 'https://a.example,',
    accepts: "origins separated by commas, or '*'",
  },
  ...(Object.keys(DEFAULT_LIMITS) as (keyof Limits)[]).map((name) => ({
    flag: kebab(name),
    value: String(DEFAULT_LIMITS[name]),
    means: { limits: { [name]: DEFAULT_LIMITS[name] } },
    wrong: '2147483648',
    accepts: 'a whole number 1-2147483647',
  })),
];

test.each(CASES)('--$flag $value and its variable mean the same', ({ flag, value, means }) => {
  expect(options([`--${flag}`, value])).toMatchObject(means);
  expect(options([`--${flag}=${value}`])).toMatchObject(means);
  expect(options([], { [variable(flag)]: value })).toMatchObject(means);
});

test.each(CASES)("--$flag does not take '$wrong', and says what it takes", ({ flag, wrong, accepts }) => {
  const told = failure([`--${flag}=${wrong}`]);
  expect(told).toContain(`--${flag}: '${wrong}' is not accepted; it takes `);
  expect(told).toContain(accepts);
  if (wrong === '') return;
  expect(failure([], { [variable(flag)]: wrong })).toContain(`${variable(flag)}: '${wrong}' is not accepted`);
});

test.each(CASES)(
  '--$flag without a value, or with a negative one, says what it takes',
  ({ flag, accepts }) => {
    expect(failure([`--${flag}`])).toContain(`--${flag} takes `);
    expect(failure([`--${flag}`])).toContain(accepts);
    expect(failure([`--${flag}`, '-1'])).toContain(`--${flag} takes `);
  },
);

test('nothing said leaves everything to the defaults', () => {
  const { limits, advertise, ...rest } = options([]);
  expect([limits, advertise]).toEqual([{}, {}]);
  expect(Object.values(rest).filter((value) => value !== undefined)).toEqual([]);
});

test('flags win over variables, and an empty variable says nothing', () => {
  const env = { SPILLWAY_PORT: '1', SPILLWAY_HOST: '' };
  expect(options(['--port', '2'], env)).toMatchObject({ port: 2 });
  expect(options([], env)).toMatchObject({ port: 1 });
  expect(options([], env).host).toBeUndefined();
});

test('flags and variables go over what the program says, one by one', () => {
  const authenticate = () => undefined;
  const program: GatewayOptions = {
    host: '0.0.0.0',
    port: 1,
    http: { host: '::1', port: 2 },
    limits: { maxSessions: 5, maxNames: 6 },
    advertise: { webtransport: 'https://a.example/wt', websocket: 'wss://a.example/ws' },
    origins: '*',
    logger: SILENT,
    authenticate,
  };
  expect(options([], {}, program)).toEqual(program);
  const argv = ['--port=9', '--http-port=8', '--max-names=7', '--advertise-websocket=wss://b.example/ws'];
  expect(options(argv, { SPILLWAY_LOG_LEVEL: 'silent' }, program)).toEqual({
    host: '0.0.0.0',
    port: 9,
    http: { host: '::1', port: 8 },
    limits: { maxSessions: 5, maxNames: 7 },
    advertise: { webtransport: 'https://a.example/wt', websocket: 'wss://b.example/ws' },
    origins: '*',
    logger: expect.not.objectContaining(SILENT),
    authenticate,
  });
});

test('a program’s plain listener can be moved, switched off and switched on', () => {
  expect(options(['--http-port=off'], {}, { http: { port: 2 } }).http).toBe(false);
  expect(options(['--http-port=5'], {}, { http: false }).http).toEqual({ port: 5 });
  expect(options([], {}, { http: false }).http).toBe(false);
});

test('certificate and key go together', () => {
  expect(options(['--tls-cert', 'a.pem', '--tls-key', 'b.pem'])).toMatchObject({
    tls: { cert: 'a.pem', key: 'b.pem' },
  });
  for (const argv of [['--tls-cert=a.pem'], ['--tls-key=b.pem']]) {
    expect(failure(argv)).toMatch(/^--tls-cert and --tls-key go together/);
  }
  expect(options([], { SPILLWAY_TLS_CERT: 'a.pem', SPILLWAY_TLS_KEY: 'b.pem' })).toMatchObject({
    tls: { cert: 'a.pem', key: 'b.pem' },
  });
});

test('limits that cannot work together are named as flags', () => {
  expect(failure(['--ping-interval=40000'])).toBe(
    '--ping-interval (40000) must not exceed --idle-timeout (30000)',
  );
  expect(failure([], { SPILLWAY_IDLE_TIMEOUT: '500' })).toContain('must not exceed --idle-timeout (500)');
});

test('limits are weighed together with those of the program', () => {
  const program = { limits: { idleTimeout: 60_000 } };
  expect(options(['--ping-interval=40000'], {}, program).limits).toEqual({
    idleTimeout: 60_000,
    pingInterval: 40_000,
  });
  expect(failure(['--ping-interval=70000'], {}, program)).toContain('--idle-timeout (60000)');
});

test.each([
  [['--prot', '1'], "'--prot'"],
  [['-x'], "'-x'"],
  [['start'], "'start'"],
  [['--help=yes'], "'-h, --help'"],
])('%j is unknown, and --help is pointed to', (argv, named) => {
  const told = failure(argv);
  expect(told).toContain(named);
  expect(told).toMatch(/; --help lists the flags$/);
  expect(told).not.toContain('\n');
});

test('a variable that is no setting is named, so that a slip does not go unnoticed', () => {
  expect(failure([], { SPILLWAY_PROT: '1' })).toBe('SPILLWAY_PROT is not a setting; --help lists them');
  expect(options([], { PORT: 'x', SPILLWAYPORT: 'x' }).port).toBeUndefined();
});

test.each([['--help'], ['-h'], ['--port', '1', '--help']])(
  'help is help, whatever else is said: %s',
  (...argv) => {
    expect(parseConfig(argv, { SPILLWAY_PORT: 'x' })).toEqual({ help: true });
  },
);

test('help names every flag with what it takes and its default', () => {
  const help = configHelp('npm start --');
  expect(help).toMatch(/^Usage: npm start -- \[flags\]\n/);
  for (const { flag, accepts } of CASES) {
    expect(help).toMatch(new RegExp(`^  --${flag} {2,}\\S`, 'm'));
    if (!accepts.startsWith('a whole number')) expect(help).toContain(accepts);
  }
  for (const flag of ['tls-cert', 'tls-key', 'log-level', 'log-format', 'help'])
    expect(help).toContain(`--${flag} `);
  expect(help).toContain('1-2147483647');
  expect(help).toMatch(/--max-sessions.*\n.*default: 10000\n/);
  expect(help).toMatch(/--port.*\n.*default: 4433\n/);
  expect(help).toContain('SPILLWAY_HTTP_PORT');
  expect(help.split('\n').every((line) => line.length <= 110)).toBe(true);
});

test('log level and format are checked by name', () => {
  expect(failure(['--log-level=loud'])).toContain('it takes debug, info, warn, error, silent');
  expect(failure(['--log-format=xml'])).toContain('it takes auto, pretty, json');
  expect(options(['--log-level=silent']).logger).toMatchObject({ level: 'silent' });
  expect(options(['--log-format=json']).logger).toMatchObject({ level: 'info' });
});

test('keys of the API come from a flag or a variable', () => {
  const [one, two] = ['a-key-of-the-api-1', 'a-key-of-the-api-2'];
  expect(options([`--api-keys=${one}`])).toMatchObject({ api: { keys: [one] } });
  expect(options([], { SPILLWAY_API_KEYS: `${one},${two}` })).toMatchObject({ api: { keys: [one, two] } });
  expect(options([], {}, { api: { keys: [two] } })).toMatchObject({ api: { keys: [two] } });
  expect(options([])).not.toHaveProperty('api');
});

test.each(['', 'short', 'a-key-of-the-api-1,', 'a-key-of-the-api-1, a-key-of-the-api-2'])(
  "a key that cannot be is refused, and not shown: '%s'",
  (value) => {
    const told = failure([`--api-keys=${value}`]);
    expect(told).toMatch(/^--api-keys: its value is not accepted; it takes keys separated by commas/);
    expect(told).not.toMatch(/short|a-key/);
    if (value !== '')
      expect(failure([], { SPILLWAY_API_KEYS: value })).toMatch(/^SPILLWAY_API_KEYS: its value/);
  },
);
