import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createProgram } from '@tessera/cli';
import { encodeLog } from '@tessera/daemon';
import { afterAll, afterEach, describe, expect, test } from 'vitest';
import { readDecisions } from './decision-file.ts';
import { scaleCommands } from './scale-commands.ts';

const folder = mkdtempSync(join(tmpdir(), 'tessera-scale-test-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
afterEach(() => {
  process.exitCode = undefined;
});

/** Simulating and writing down takes its time on a machine that others use too. */
const long = { timeout: 240_000 };

const file = join(folder, 'decisions.bin');
const limits = join(folder, 'limits.json');

/** Runs `tessera scale …` as a user would. */
async function scale(...args: readonly string[]) {
  let out = '';
  let err = '';
  const terminal = {
    out: (text: string) => {
      out += text;
    },
    err: (text: string) => {
      err += text;
    },
    interactive: false,
    columns: 100,
  };
  process.exitCode = undefined;
  const program = createProgram(terminal, [scaleCommands]);
  await program.parseAsync(['scale', ...args], { from: 'user' });
  return { out, err, code: Number(process.exitCode ?? 0) };
}

const simulated = (...args: readonly string[]) =>
  scale('simulate', '--days', '0.25', '--trace', 'steps', '--seed', '4', ...args);

describe('tessera scale simulate', long, () => {
  test('says how strategies do beside the best that could be done, the same each time', async () => {
    const run = await simulated('--strategy', 'threshold', 'ds2');
    expect(run.err).toBe('');
    const rows = run.out.split('\n').map((line) => line.split(/\s+/)[0]);
    expect(rows).toEqual([
      'STRATEGY',
      expect.stringMatching(/^-+$/),
      'threshold',
      'ds2',
      'oracle',
      '',
    ]);
    expect((await simulated('--strategy', 'threshold', 'ds2')).out).toBe(run.out);
  });

  test('holds strategies within limits', async () => {
    writeFileSync(limits, JSON.stringify({ bounds: { maxSlots: 6 } }));
    const run = await simulated('--strategy', 'threshold', '--limits', limits, '--record', file);
    expect(run.code).toBe(0);
    const changes = readDecisions(file).flatMap(({ result }) => result.effects);
    expect(changes.map(({ code }) => code)).toContain('JOB_SLOTS');
  });

  test('names what there is', async () => {
    expect((await scale('simulate', '--trace', 'list')).out.split('\n')).toContain('diurnal');
    expect((await scale('simulate', '--job', 'list')).out.split('\n')).toContain('pipeline');
  });

  test.each([
    {
      args: ['--trace', 'diurnl'],
      reason: 'SIMULATION_NAME_UNKNOWN',
      says: 'Did you mean diurnal?',
      code: 2,
    },
    { args: ['--job', 'nothing'], reason: 'SIMULATION_NAME_UNKNOWN', says: 'pipeline', code: 2 },
    { args: ['--seed', 'x'], reason: 'BAD_NUMBER', says: '--seed', code: 2 },
    { args: ['--days', '99'], reason: 'SCALE_OPTION_INVALID', says: '--days', code: 2 },
    {
      args: ['--strategy', 'nobody'],
      reason: 'PLUGIN_NOT_INSTALLED',
      says: 'npm install',
      code: 5,
    },
    { args: ['--options', '{'], reason: 'SCALE_OPTION_INVALID', says: 'no JSON', code: 2 },
    {
      args: ['--options', '{"lagBudget":7}'],
      reason: 'PLUGIN_CONFIG_INVALID',
      says: 'lagBudget',
      code: 2,
    },
    {
      args: ['--strategy', 'ds2', 'threshold', '--options', '{}'],
      reason: 'SCALE_OPTION_INVALID',
      says: 'one',
      code: 2,
    },
    {
      args: ['--limits', join(folder, 'absent')],
      reason: 'FILE_UNREADABLE',
      says: 'absent',
      code: 2,
    },
  ])('refuses $args', async ({ args, reason, says, code }) => {
    const run = await scale('simulate', ...args);
    expect(run.err).toContain(`(${reason})`);
    expect(run.err).toContain(says);
    expect(run.code).toBe(code);
  });

  test.each([
    {
      limits: {
        windows: [{ name: 'w', rule: 'freeze', timeZone: 'Mars/Base', from: '01:00', to: '02:00' }],
      },
      says: 'Mars/Base',
    },
    { limits: { bounds: { maxSlot: 1 } }, says: 'maxSlot' },
    { limits: { cooldown: { beforeUpMs: -1 } }, says: 'beforeUpMs' },
  ])('refuses limits that mean nothing: $says', async ({ limits: value, says }) => {
    writeFileSync(limits, JSON.stringify(value));
    const run = await simulated('--limits', limits);
    expect(run.err).toContain('(SCALE_OPTION_INVALID)');
    expect(run.err).toContain(says);
  });
});

describe('tessera scale replay', long, () => {
  test.each([
    { strategy: 'forecast', options: '{}' },
    { strategy: 'ds2', options: '{"scalingFactor":0.2}' },
  ])('makes decisions of $strategy again, bit for bit', async ({ strategy, options }) => {
    await simulated('--strategy', strategy, '--options', options, '--record', file);
    const { out, code } = await scale('replay', file);
    const [, same, all] = /^(\d+) of (\d+) decisions/.exec(out)!;
    expect(Number(all)).toBeGreaterThan(15);
    expect(same).toBe(all);
    expect(code).toBe(0);
  });

  test('says which decisions come out otherwise, and ends with 5', async () => {
    await simulated('--strategy', 'threshold', '--record', file);
    const records = readDecisions(file).map((record) => ({
      ...record,
      strategy: { ...record.strategy, options: JSON.stringify({ target: 0.3 }) },
    }));
    writeFileSync(file, encodeLog(records));
    const { out, err, code } = await scale('replay', file);
    expect(out).toContain('outcome.');
    expect(err).toContain('SCALING_REPLAY_DIFFERS');
    expect(code).toBe(5);
  });
});

describe('tessera scale explain', long, () => {
  test('says in words what was decided, and what came of it as JSON', async () => {
    await simulated('--strategy', 'forecast', '--record', file);
    const { out } = await scale('explain', file, '--last', '2');
    expect(out).toContain('strategy: @tessera/strategy-forecast');
    expect(out).toContain('chosen: ');
    expect(out.match(/ {2}wanted: /g)).toHaveLength(2);
    const json = JSON.parse((await scale('explain', file, '--all', '--json', '--last', '3')).out);
    expect(json.decisions).toHaveLength(3);
    expect(json.decisions[0]).toMatchObject({ job: 'pipeline', words: expect.any(Array) });
  });
});

describe('files that are no decisions', () => {
  const rubbish = join(folder, 'rubbish.bin');

  test.each([
    { what: 'a text', bytes: Buffer.from('{"decisions": []}') },
    { what: 'nothing', bytes: Buffer.alloc(0) },
    { what: 'zeros', bytes: Buffer.alloc(100) },
    { what: 'an empty decision', bytes: Buffer.from([0x0a, 0x00]) },
    { what: 'one that breaks off', bytes: Buffer.from([0x0a, 0x7f, 0x0a, 0x03, 0x61]) },
  ])('are refused: $what', async ({ bytes }) => {
    writeFileSync(rubbish, bytes);
    for (const command of ['replay', 'explain']) {
      const { err, code } = await scale(command, rubbish);
      expect(err).toContain('(SCALING_DECISION_INVALID)');
      expect(code).toBe(2);
    }
  });

  test('are refused when they are not there', async () => {
    const { err, code } = await scale('explain', join(folder, 'absent.bin'));
    expect(err).toContain('(FILE_UNREADABLE)');
    expect(code).toBe(2);
  });
});
