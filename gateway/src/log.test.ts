import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

const run = promisify(execFile);
const LOG = new URL('./log.ts', import.meta.url).href;

/** What a program prints that logs one line of each level. Its standard output is no terminal. */
async function logged(level: string, format: string): Promise<string[]> {
  const program = `
    import { createLogger } from '${LOG}';
    const logger = createLogger('${level}', '${format}');
    for (const level of ['debug', 'info', 'warn', 'error']) logger[level]({ session: 's1' }, 'about ' + level);
    logger.error({ err: new Error('oops') }, 'failed');
  `;
  const { stdout } = await run(process.execPath, ['--input-type=module', '--eval', program]);
  return stdout.split('\n').filter((line) => line !== '');
}

test.concurrent.each(['auto', 'json'])(
  'without a terminal, format %s is one JSON object a line',
  async (format) => {
    const lines = (await logged('debug', format)).map((line) => JSON.parse(line));
    expect(lines.slice(0, 4)).toEqual(
      [20, 30, 40, 50].map((level, index) => ({
        level,
        time: expect.any(Number),
        session: 's1',
        msg: `about ${['debug', 'info', 'warn', 'error'][index]}`,
      })),
    );
    expect(lines[4]).toMatchObject({
      msg: 'failed',
      err: { message: 'oops', stack: expect.stringContaining('oops') },
    });
  },
);

test.concurrent('pretty lines are for people', async () => {
  const text = (await logged('info', 'pretty')).join('\n');
  expect(text).toMatch(/\d\d:\d\d:\d\d\.\d\d\d/);
  expect(text).toContain('about info');
  expect(text).toContain('Error: oops');
  expect(text).not.toContain('{"');
});

test.concurrent.each([
  ['debug', 5],
  ['info', 4],
  ['warn', 3],
  ['error', 2],
  ['silent', 0],
] as const)('level %s leaves %i of five lines', async (level, count) => {
  expect((await logged(level, 'json')).length).toBe(count);
});
