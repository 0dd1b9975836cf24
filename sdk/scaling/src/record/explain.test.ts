import { describe, expect, test } from 'vitest';
import type { ScalingDecision } from '../decision.ts';
import { circumstancesOf, decisionOf, inputAt, noonMs, size, wants } from '../limits/fixture.ts';
import type { VetoOutcome } from '../limits/vetoes.ts';
import type { JobSample } from '../sample.ts';
import { recordDecision } from './decision-record.ts';
import { explain } from './explain.ts';

const strategy = { name: '@tessera/strategy-test', version: '1.0.0', options: '{}' };
const by = { job: 'flink-jobs/orders', strategy };

/** Two samples of a job whose source reads 700 of the 1,000 records a second that arrive. */
const sampleAt = (second: number): JobSample => ({
  timeMs: noonMs - 60_000 + second * 1000,
  runningSinceMs: inputAt().runningSinceMs,
  parallelism: size(4, 8),
  vertices: {
    source: { recordsIn: 700 * second, lagRecords: 90_000 + 300 * second, busyRatio: 0.25 },
    work: { recordsIn: 700 * second, busyMs: 8_000 * second, backpressuredRatio: 0 },
  },
});
const samples = [sampleAt(0), sampleAt(30)];

const explained = (
  circumstances = circumstancesOf(),
  answered: Parameters<typeof recordDecision>[2] = wants(size(4, 12)),
  vetoes: readonly VetoOutcome[] = [],
) => explain(recordDecision(by, circumstances, answered, vetoes).record);

describe('an explanation', () => {
  test('says what was done, what was seen, what was wanted and why', () => {
    const limits = { bounds: { maxSlots: 10 } };
    const input = inputAt({ samples, freeSlots: 3 });
    const { headline, facts } = explained(circumstancesOf({ limits, input }));
    expect(headline).toBe(
      '2026-01-05T12:00:00Z flink-jobs/orders: from 8 to 10 slots (work 8 → 10)',
    );
    expect(facts).toEqual([
      'now: 8 slots, running since 2026-01-04T12:00:00Z',
      'load: 1,000/s come in; 99,000 records wait, 99 s of load; 120 s of waiting are allowed',
      'strategy: @tessera/strategy-test 1.0.0 wants 12 slots (work 8 → 12)',
      'because: A test wants it. (TEST)',
      'changed: The job may have 10 slots: 10 instead of 12. (JOB_SLOTS)',
      'samples: 2 new, the newest 30 s old',
      'room: 3 slots more could be had',
    ]);
  });

  test('shows each vertex with its size and how it does; what was not reported stays empty', () => {
    const limits = { bounds: { maxSlots: 10 } };
    const { tables } = explained(circumstancesOf({ limits, input: inputAt({ samples }) }));
    expect(tables[0]).toEqual({
      title: 'Vertices',
      headings: [
        ...['VERTEX', 'SUBTASKS', 'WANTED', 'RECORDS/s'],
        ...['BUSY', 'HELD UP', 'RECORDS WAITING'],
      ],
      rows: [
        ['source', '4', '', '700', '25 %', '', '99,000'],
        ['work', '8 → 10', '12', '700', '100 %', '0 %', ''],
      ],
    });
  });

  test('never shows what is missing as zero', () => {
    const silent = explained();
    expect(silent.facts).toContain(
      'load: what comes in is unknown; what waits is unknown; 120 s of waiting are allowed',
    );
    expect(silent.facts).toContain('samples: no new sample');
    const half = { ...sampleAt(30), vertices: { source: sampleAt(30).vertices['source']! } };
    const { facts } = explained(circumstancesOf({ input: inputAt({ samples: [half] }) }));
    expect(facts).toContain('samples: 1 new, the newest 30 s old; nothing of work');
  });

  test('shows the forecast by quantiles, and the options by what they cost', () => {
    const option = (work: number, lag: number, chosen: boolean) => ({
      ...{ parallelism: size(4, work), slots: work, cost: { slots: work, rescale: 1, lag } },
      ...{ maxLagMs: 90_000, chosen, ...(!chosen && { rejected: 'COSTS_MORE' }) },
    });
    const decision: ScalingDecision = {
      ...decisionOf(size(4, 12)),
      forecast: {
        stepMs: 300_000,
        quantiles: [0.5, 0.95].map((quantile) => ({
          quantile,
          rates: Array.from({ length: 11 }, (_, step) => 1_000 * quantile + 100 * step),
        })),
        weights: { seasonal: 0.75, lastValue: 0.25, unused: 0 },
      },
      options: [option(8, 60, false), option(20, 0, false), option(12, 2, true)],
    };
    const [, forecast, options] = explained(circumstancesOf(), {
      kind: 'decided',
      decision,
    }).tables;
    expect(forecast).toEqual({
      title:
        'Forecast, records per second into all sources on the mean until then; from seasonal 75 %, lastValue 25 %',
      headings: ['QUANTILE', '+5 MIN', '+15 MIN', '+25 MIN', '+35 MIN', '+45 MIN', '+55 MIN'],
      rows: [
        ['q50', '500', '700', '900', '1,100', '1,300', '1,500'],
        ['q95', '950', '1,150', '1,350', '1,550', '1,750', '1,950'],
      ],
    });
    expect(options!.rows).toEqual([
      ['chosen', '12', '4/12', '', '12.00', '1.00', '2.00', '15.00', '90 s'],
      ['COSTS_MORE', '20', '4/20', '', '20.00', '1.00', '0.00', '21.00', '90 s'],
      ['COSTS_MORE', '8', '4/8', 'as it is', '8.00', '1.00', '60.00', '69.00', '90 s'],
    ]);
  });

  test('says what every veto said', () => {
    const untilMs = noonMs + 3_600_000;
    const refusal = { allowed: false, code: 'LAUNCH_DAY', message: 'Not today.', untilMs } as const;
    const { headline, facts } = explained(circumstancesOf(), wants(size(4, 12)), [
      { veto: 'a', answer: { allowed: true } },
      { veto: 'b', answer: refusal },
      { veto: 'c', answer: { failed: 'no answer within 5000 ms' } },
    ]);
    expect(headline).toContain('a change is held back (VETO_FAILED)');
    expect(facts.filter((fact) => fact.startsWith('veto: '))).toEqual([
      'veto: a allows it',
      'veto: b forbids it: Not today. (LAUNCH_DAY), until 2026-01-05T13:00:00Z',
      'veto: c cannot be asked, so it counts as a no: no answer within 5000 ms',
    ]);
    expect(facts.some((fact) => fact.startsWith('held back: '))).toBe(false);
  });

  test('says why the answer of a strategy does not count', () => {
    const failed = { kind: 'failed', code: 'STRATEGY_FAILED', message: 'It threw.' } as const;
    expect(explained(circumstancesOf(), failed).facts).toContain(
      'strategy: @tessera/strategy-test 1.0.0 gave no answer: It threw. (STRATEGY_FAILED)',
    );
  });

  test('calls vertices by the names that Flink gives them, shortened, and no two alike', () => {
    const long = 'Source: orders[1] -> Calc[2] -> a name without an end';
    const [source, work] = inputAt().topology.vertices;
    const vertices = [
      { ...source!, name: long },
      { ...work!, name: long },
    ];
    const input = inputAt({ topology: { ...inputAt().topology, vertices } });
    const missing = { code: 'METRICS_MISSING', message: 'Metrics of work are missing.' };
    const decision = { ...decisionOf(size(4, 12)), reasons: [{ ...missing, vertex: 'source' }] };
    const answered = { kind: 'decided', decision } as const;
    const { headline, facts } = explained(circumstancesOf({ input }), answered);
    expect(headline).toContain('(Source: orders[1] -> Calc[2] -> a n… #2 8 → 12)');
    expect(facts).toContain(
      'because: Source: orders[1] -> Calc[2] -> a n…: Metrics of Source: orders[1] -> Calc[2] -> a n… #2 are missing. (METRICS_MISSING)',
    );
  });
});
