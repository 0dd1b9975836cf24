import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createProgram } from '@tessera/cli';
import { isEventful } from '@tessera/scaling';
import { afterAll, afterEach, describe, expect, test } from 'vitest';
import { readDecisions } from './decision-file.ts';
import { framed } from './decision-frames.ts';
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

  test('writes a report of tables and plots', async () => {
    const report = join(folder, 'report');
    const run = await simulated('--strategy', 'threshold', 'ds2', '--report', report);
    expect(run.err).toBe(`wrote ${join(report, 'index.html')}\n`);
    const page = readFileSync(join(report, 'index.html'), 'utf8');
    expect(page).toContain('Training seed 4');
    for (const row of ['threshold', 'ds2', 'oracle']) expect(page).toContain(`<td>${row}</td>`);
    expect(page.match(/<svg/g)).toHaveLength(2);
    expect(readdirSync(report).sort()).toEqual(['index.html', 'overview.png', 'steps.png']);
  });

  test('says that a report cannot be written before it simulates anything', async () => {
    const taken = join(folder, 'taken');
    writeFileSync(taken, '');
    const run = await simulated('--report', taken);
    expect(run.err).toContain('REPORT_UNWRITABLE');
    expect(run.out).toBe('');
    expect(run.code).toBe(2);
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
    { strategy: 'forecast', options: { lagBudgt: 0.5 }, says: 'lagBudgt' },
    { strategy: 'threshold', options: { targt: 0.5 }, says: 'targt' },
    { strategy: 'ds2', options: { scaleFactor: 2 }, says: 'scaleFactor' },
    {
      strategy: 'flink-autoscaler',
      options: { utilisationTarget: 0.5 },
      says: 'utilisationTarget',
    },
    {
      strategy: 'schedule',
      options: { plans: [{ at: '00:00', parallelism: 2, day: ['mon'] }] },
      says: '"day"',
    },
  ])(
    'refuses an option that $strategy does not have: $says',
    async ({ strategy, options, says }) => {
      const run = await simulated('--strategy', strategy, '--options', JSON.stringify(options));
      expect(run.err).toContain('(PLUGIN_CONFIG_INVALID)');
      expect(run.err).toContain(says);
      expect(run.code).toBe(2);
    },
  );

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
    const { out, code } = await scale('replay', '--file', file);
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
    writeFileSync(file, framed(records));
    const { out, err, code } = await scale('replay', '--file', file);
    expect(out).toContain('outcome.');
    expect(err).toContain('SCALING_REPLAY_DIFFERS');
    expect(code).toBe(5);
  });
});

describe('tessera scale replay --strategy', long, () => {
  test('shows what another strategy would have decided, and where that is something else', async () => {
    await simulated('--strategy', 'threshold', '--record', file);
    const other = await scale(
      'replay',
      '--file',
      file,
      '--strategy',
      'schedule',
      '--options',
      plans,
    );
    expect(other.code).toBe(0);
    expect(other.out).toMatch(
      /strategy-schedule .* would have left the job at another size in \d+ of/,
    );
    expect(other.out).toContain('PLAN_BEGAN');
    const same = await scale('replay', '--file', file, '--strategy', 'threshold');
    expect(same.out).toContain('another size in 0 of');
  });

  const plans = JSON.stringify({ plans: [{ at: '00:00', parallelism: 2 }] });

  test('ends with the failure to install it when it is not there', async () => {
    const { err, code } = await scale('replay', '--file', file, '--strategy', 'nobody');
    expect(err).toContain('(PLUGIN_NOT_INSTALLED)');
    expect(code).toBe(5);
  });
});

describe('tessera scale explain', long, () => {
  test('says in words and tables what the last decision came from, and since when the size is as it is', async () => {
    await simulated('--strategy', 'forecast', '--record', file);
    const { out } = await scale('explain', '--file', file);
    const parts = [
      ': stays as it is',
      '  load: ',
      '  strategy: @tessera/strategy-forecast',
      '  because: ',
      '  Vertices:',
      '  Forecast, records per second',
      'q95 ',
      '  Options; costs in slot-hours',
      'chosen ',
    ];
    expect(parts.filter((part) => !out.includes(part))).toEqual([]);
    const at = /--at (\S+)\.\n$/.exec(out)?.[1];
    const change = await scale('explain', '--file', file, '--at', at!);
    expect(change.out).toMatch(/^\S+ pipeline: from \d+ to \d+ slots/);
    expect(change.out.slice(0, at!.length)).toBe(at);
  });

  test('tells the newest, those that changed something, or those until a time, also as JSON', async () => {
    const all = readDecisions(file);
    const read = async (...args: readonly string[]) => {
      const { out } = await scale('explain', '--file', file, '--json', ...args);
      return (JSON.parse(out).decisions as readonly { time: string; explanation: object }[]).map(
        ({ time, explanation }) => {
          expect(Object.keys(explanation)).toEqual(['headline', 'facts', 'tables']);
          return Date.parse(time);
        },
      );
    };
    const times = all.map(({ input }) => input.nowMs);
    expect(await read('--last', '3')).toEqual(times.slice(-3));
    const until = new Date(times[5]!).toISOString();
    expect(await read('--at', until)).toEqual([times[5]]);
    const changes = all.filter(isEventful).map(({ input }) => input.nowMs);
    expect(changes.length).toBeGreaterThan(1);
    expect(await read('--changes', '--last', '1000')).toEqual(changes);
  });

  test.each([
    { args: [], reason: 'SCALE_OPTION_INVALID', says: '--file', code: 2 },
    { args: ['orders', '--file', file], reason: 'SCALE_OPTION_INVALID', says: 'one of', code: 2 },
    { args: ['decisions.bin'], reason: 'SCALE_OPTION_INVALID', says: '--file', code: 2 },
    { args: ['--file', file, '--last', '0'], reason: 'BAD_NUMBER', says: '--last', code: 2 },
    {
      args: ['--file', file, '--at', 'noon'],
      reason: 'SCALE_OPTION_INVALID',
      says: 'such as 2026-',
      code: 2,
    },
    {
      args: ['--file', file, '--at', '1969-07-20'],
      reason: 'SCALE_OPTION_INVALID',
      says: 'no time',
      code: 2,
    },
    {
      args: ['--file', file, '--at', '1969-07-20T20:17Z'],
      reason: 'SCALING_DECISION_NOT_FOUND',
      says: 'the oldest is of 1970-01-01T',
      code: 3,
    },
  ])('refuses $args', async ({ args, reason, says, code }) => {
    const run = await scale('explain', ...args);
    expect(run.err).toContain(`(${reason})`);
    expect(run.err).toContain(says);
    expect(run.code).toBe(code);
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
      const { err, code } = await scale(command, '--file', rubbish);
      expect(err).toContain('(SCALING_DECISION_INVALID)');
      expect(code).toBe(2);
    }
  });

  test('are refused when they are not there', async () => {
    const { err, code } = await scale('explain', '--file', join(folder, 'absent.bin'));
    expect(err).toContain('(FILE_UNREADABLE)');
    expect(code).toBe(2);
  });
});
