import { describe, expect, test } from 'vitest';
import type { ScalingDecision } from '../decision.ts';
import { circumstancesOf, decisionOf, inputAt, noonMs, size, wants } from './fixture.ts';
import { type Circumstances, limitDecision, reasonNotToAsk } from './limit-decision.ts';
import { nothingRemembered } from './memory.ts';
import { withVetoes } from './vetoes.ts';

const minute = 60_000;

const codesOf = (decision: ReturnType<typeof limitDecision>) =>
  decision.effects.map(({ code, kind }) => `${kind} ${code}`);

const rescaled = (endedMs: number, to = size(4, 8)) => [
  { startedMs: endedMs - minute, downtimeMs: minute, from: size(4, 6), to },
];

describe('limits', () => {
  test('let a wish through that nothing speaks against', () => {
    const decision = limitDecision(wants(size(4, 12)), circumstancesOf());
    expect(decision.action).toEqual({ kind: 'rescale', parallelism: size(4, 12) });
    expect(decision.effects).toEqual([]);
  });

  test.each<{
    why: string;
    wanted: readonly [number, number];
    bounds: object;
    result: readonly [number, number];
  }>([
    { why: 'above the vertex', wanted: [14, 12], bounds: {}, result: [12, 12] },
    { why: 'below the vertex', wanted: [4, 1], bounds: {}, result: [4, 2] },
    { why: 'above the job', wanted: [4, 20], bounds: { maxParallelism: 10 }, result: [4, 10] },
    { why: 'below the job', wanted: [2, 8], bounds: { minParallelism: 3 }, result: [3, 8] },
    {
      why: 'above one vertex of it',
      wanted: [4, 20],
      bounds: { vertices: { work: { max: 9 } } },
      result: [4, 9],
    },
  ])('change a size that is $why', ({ wanted, bounds, result }) => {
    const decision = limitDecision(wants(size(...wanted)), circumstancesOf({ limits: { bounds } }));
    expect(decision.action).toEqual({ kind: 'rescale', parallelism: size(...result) });
    expect(codesOf(decision)).toContain('changed VERTEX_BOUNDS');
  });

  test('bring a job within new bounds although its strategy wants nothing', () => {
    const limits = { bounds: { maxParallelism: 6 } };
    const decision = limitDecision(wants(), circumstancesOf({ limits }));
    expect(decision.action).toEqual({ kind: 'rescale', parallelism: size(4, 6) });
  });

  test.each<{ code: string; changes: Parameters<typeof circumstancesOf>[0] }>([
    { code: 'JOB_SLOTS', changes: { limits: { bounds: { maxSlots: 10 } } } },
    { code: 'QUOTA', changes: { quota: { quota: 'team', slots: 10 } } },
    { code: 'CAPACITY', changes: { input: inputAt({ freeSlots: 2 }) } },
  ])('give what there is by $code, and say so', ({ code, changes }) => {
    const decision = limitDecision(wants(size(6, 20)), circumstancesOf(changes));
    expect(decision.action).toEqual({ kind: 'rescale', parallelism: size(6, 10) });
    expect(codesOf(decision)).toEqual([`changed ${code}`]);
  });

  test('hold back what needs more slots when there are none', () => {
    const decision = limitDecision(
      wants(size(4, 20)),
      circumstancesOf({ input: inputAt({ freeSlots: 0 }) }),
    );
    expect(decision.action.kind).toBe('hold');
    expect(codesOf(decision)).toEqual(['held CAPACITY']);
  });

  test('take slots back from a job whose share has become smaller', () => {
    const quota = { quota: 'team', slots: 5 };
    const decision = limitDecision(wants(), circumstancesOf({ quota }));
    expect(decision.action).toEqual({ kind: 'rescale', parallelism: size(4, 5) });
  });

  test('hold a job that cannot run within its share', () => {
    const decision = limitDecision(
      wants(),
      circumstancesOf({ quota: { quota: 'team', slots: 1 } }),
    );
    expect(decision.action.kind).toBe('hold');
    expect(codesOf(decision)).toEqual(['held QUOTA']);
  });

  test.each([
    {
      why: 'to more slots',
      wanted: size(4, 12),
      cooldown: { beforeUpMs: 5 * minute, beforeDownMs: 0 },
    },
    {
      why: 'to fewer slots',
      wanted: size(4, 6),
      cooldown: { beforeUpMs: 0, beforeDownMs: 5 * minute },
    },
  ])('hold back a change $why soon after another, and only that', ({ wanted, cooldown }) => {
    const after = (ms: number) =>
      limitDecision(
        wants(wanted),
        circumstancesOf({
          limits: { cooldown },
          input: inputAt({ rescales: rescaled(noonMs - ms) }),
        }),
      );
    expect(codesOf(after(4 * minute))).toEqual(['held COOLDOWN']);
    expect(after(4 * minute).effects[0]?.untilMs).toBe(noonMs + minute);
    expect(after(5 * minute).action.kind).toBe('rescale');
    const other = { beforeUpMs: cooldown.beforeDownMs, beforeDownMs: cooldown.beforeUpMs };
    const limits = { cooldown: other };
    const input = inputAt({ rescales: rescaled(noonMs - 4 * minute) });
    expect(limitDecision(wants(wanted), circumstancesOf({ limits, input })).action.kind).toBe(
      'rescale',
    );
  });

  test('hold back what a maintenance window forbids', () => {
    const window = {
      name: 'launch',
      rule: 'freeze',
      timeZone: 'UTC',
      from: '11:00',
      to: '13:00',
    } as const;
    const at = (hours: number) =>
      limitDecision(
        wants(size(4, 12)),
        circumstancesOf({
          limits: { windows: [window] },
          input: inputAt({ nowMs: noonMs + hours * 60 * minute }),
        }),
      );
    expect(codesOf(at(0))).toEqual(['held MAINTENANCE_WINDOW']);
    expect(at(1).action.kind).toBe('rescale');
  });

  test('hold everything while a rescale is on its way, and do not ask the strategy', () => {
    const circumstances: Circumstances = {
      ...circumstancesOf(),
      inFlight: { startedMs: noonMs - minute, to: size(4, 9) },
    };
    const outcome = reasonNotToAsk(circumstances);
    expect(outcome).toMatchObject({ kind: 'notAsked', code: 'RESCALE_IN_FLIGHT' });
    const decision = limitDecision(wants(size(4, 12)), circumstances);
    expect(decision.action.kind).toBe('hold');
    expect(codesOf(decision)).toEqual(['held RESCALE_IN_FLIGHT']);
  });
});

describe('a strategy that fails', () => {
  const failed = { kind: 'failed', code: 'STRATEGY_FAILED', message: 'It threw.' } as const;

  test('leaves the job as it is, with a condition that says why', () => {
    const decision = limitDecision(failed, circumstancesOf());
    expect(decision).toMatchObject({
      action: { kind: 'hold' },
      condition: { code: 'STRATEGY_FAILED', message: 'It threw.' },
    });
  });

  test('is asked again after a pause that doubles, up to a quarter of an hour, until it answers', () => {
    let circumstances = circumstancesOf();
    const pauses: number[] = [];
    for (let i = 0; i < 7; i++) {
      const { memory } = limitDecision(failed, circumstances);
      pauses.push((memory.askAgainMs - noonMs) / 1000);
      circumstances = circumstancesOf({ memory });
    }
    expect(pauses).toEqual([30, 60, 120, 240, 480, 900, 900]);
    expect(reasonNotToAsk(circumstances)).toMatchObject({ code: 'STRATEGY_PAUSED' });
    const later = { ...circumstances, input: inputAt({ nowMs: noonMs + 15 * minute }) };
    expect(reasonNotToAsk(later)).toBeUndefined();
    const well = limitDecision(wants(), later);
    expect(well.memory.failures).toBe(0);
  });

  const wanting = (parallelism: unknown) =>
    ({ ...decisionOf(), action: { kind: 'rescale', parallelism } }) as ScalingDecision;

  test.each<{ nonsense: string; decision: unknown }>([
    { nonsense: 'nothing', decision: undefined },
    { nonsense: 'a text', decision: 'scale!' },
    { nonsense: 'no action', decision: { ...decisionOf(), action: undefined } },
    { nonsense: 'an unknown action', decision: { ...decisionOf(), action: { kind: 'explode' } } },
    { nonsense: 'no reasons', decision: { ...decisionOf(), reasons: [] } },
    { nonsense: 'a reason without a code', decision: { ...decisionOf(), reasons: [{}] } },
    { nonsense: 'no options', decision: { ...decisionOf(), options: undefined } },
    { nonsense: 'nothing learned', decision: { ...decisionOf(), learned: undefined } },
    { nonsense: 'NaN subtasks', decision: wanting(size(4, Number.NaN)) },
    { nonsense: 'infinitely many', decision: wanting(size(4, Infinity)) },
    { nonsense: 'negative ones', decision: wanting(size(4, -1)) },
    { nonsense: 'none', decision: wanting(size(4, 0)) },
    { nonsense: 'half a subtask', decision: wanting(size(4, 2.5)) },
    { nonsense: 'a number as text', decision: wanting({ source: 4, work: '8' }) },
    { nonsense: 'an unknown vertex', decision: wanting({ ...size(4, 8), stranger: 1 }) },
    { nonsense: 'a vertex missing', decision: wanting({ source: 4 }) },
    { nonsense: 'more than the key groups', decision: wanting(size(4, 65)) },
  ])('by answering $nonsense changes nothing', ({ decision }) => {
    const limited = limitDecision(
      { kind: 'decided', decision: decision as ScalingDecision },
      circumstancesOf(),
    );
    expect(limited.action).toEqual({ kind: 'hold' });
    expect(limited.condition?.code).toBe('STRATEGY_OUTPUT_INVALID');
    expect(limited.memory.failures).toBe(1);
  });
});

describe('vetoes', () => {
  const limited = limitDecision(wants(size(4, 12)), circumstancesOf());
  const allowed = { veto: 'a', answer: { allowed: true } } as const;
  const forbidden = {
    veto: 'b',
    answer: { allowed: false, code: 'LAUNCH_DAY', message: 'Not today.' },
  } as const;

  test('must all allow a rescale', () => {
    expect(withVetoes(limited, [allowed]).action.kind).toBe('rescale');
    const held = withVetoes(limited, [allowed, forbidden]);
    expect(held.action.kind).toBe('hold');
    expect(held.effects.at(-1)).toMatchObject({
      code: 'VETOED',
      message: 'Veto b: Not today. (LAUNCH_DAY)',
    });
  });

  test('that cannot be asked hold it back', () => {
    const held = withVetoes(limited, [allowed, { veto: 'c', answer: { failed: 'it hangs' } }]);
    expect(held.action.kind).toBe('hold');
    expect(held.effects.at(-1)?.code).toBe('VETO_FAILED');
  });

  test('say nothing where nothing is to be done', () => {
    const hold = limitDecision(wants(), circumstancesOf({ memory: nothingRemembered }));
    expect(withVetoes(hold, [forbidden])).toBe(hold);
  });
});
