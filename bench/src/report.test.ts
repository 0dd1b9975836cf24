import { describe, expect, test } from 'vitest';
import { isMet, type Reach } from './benchmark.ts';
import { formatReach, reportOf } from './report.ts';

const reach = (change: Partial<Reach>): Reach => ({
  id: 'x',
  value: 1,
  op: '<=',
  target: 1,
  unit: 's',
  ...change,
});

describe('isMet', () => {
  test.each([
    { value: 1, op: '<=', target: 1, reached: true },
    { value: 1.1, op: '<=', target: 1, reached: false },
    { value: 1.1, op: '>=', target: 1, reached: true },
    { value: 0.9, op: '>=', target: 1, reached: false },
    { value: Number.NaN, op: '<=', target: 1, reached: false },
  ] as const)('$value $op $target: $reached', ({ reached, ...change }) => {
    expect(isMet(reach(change))).toBe(reached);
  });
});

describe('reportOf', () => {
  test('puts what makes figures comparable around what was measured', async () => {
    const result = { reach: [reach({})], details: { seed: 7 } };
    const report = await reportOf('some', async () => result);
    expect(report).toMatchObject({ name: 'some', ...result });
    expect(report.commit).toMatch(/^([0-9a-f]{40}\+?|unknown)$/);
    expect(report.machine).toMatch(/^\d+ x .* GiB, Node v\d+/);
    expect(report.load).toHaveLength(2);
  });

  test('a benchmark that fails has no report', async () => {
    await expect(reportOf('bad', () => Promise.reject(new Error('no data')))).rejects.toThrow(
      'no data',
    );
  });
});

test('the table of targets marks what was missed', () => {
  const lines = formatReach([reach({ id: 'good' }), reach({ id: 'slow', value: 12.3456 })]).split(
    '\n',
  );
  expect(lines.find((line) => line.startsWith('good'))).toMatch(/ yes$/);
  expect(lines.find((line) => line.startsWith('slow'))).toMatch(/12\.35 .* NO$/);
});
