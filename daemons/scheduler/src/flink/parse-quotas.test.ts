import { describe, expect, test } from 'vitest';
import { parseQuotas } from './parse-quotas.ts';

describe('declared quotas', () => {
  test('have a name and what is bounded, in any order', () => {
    const quotas = parseQuotas([
      'team=slots:16,cpu:8,memory:32GiB',
      'a=b=memory:1.5 GiB,cpu:0.25',
      'frozen=slots:0',
    ]);
    expect(Object.fromEntries(quotas)).toEqual({
      team: { slots: 16, cpuMillis: 8_000, memoryBytes: 32 * 2 ** 30 },
      'a=b': { memoryBytes: 1.5 * 2 ** 30, cpuMillis: 250 },
      frozen: { slots: 0 },
    });
    expect(parseQuotas([]).size).toBe(0);
  });

  test.each([
    ['team', 'it has no name'],
    ['=slots:1', 'it has no name'],
    ['team=', '"" is no amount'],
    ['team=slots', '"slots" is no amount'],
    ['team=slots:', '"slots:" is no amount'],
    ['team=slots:1.5', '"slots:1.5" is no amount'],
    ['team=slots:-1', '"slots:-1" is no amount'],
    ['team=slots:1000000', '"slots:1000000" is no amount'],
    ['team=slots:1:2', '"slots:1:2" is no amount'],
    ['team=slots:1,', '"" is no amount'],
    ['team=slots:1, cpu:1', '" cpu:1" is no amount'],
    ['team=cpu:0.0001', '"cpu:0.0001" is no amount'],
    ['team=cpu:1000000', '"cpu:1000000" is no amount'],
    ['team=memory:32', '"memory:32" is no amount'],
    ['team=memory:9000TiB', '"memory:9000TiB" is no amount'],
    ['team=disk:1GiB', '"disk:1GiB" is no amount'],
    ['team=constructor:1', '"constructor:1" is no amount'],
    ['team=slots:1,slots:2', 'slots is there twice'],
  ])('are refused where one cannot be read: %j', (text, fault) => {
    expect(() => parseQuotas(['other=slots:1', text])).toThrow(
      expect.objectContaining({
        reason: 'FLINK_QUOTA_INVALID',
        message: expect.stringContaining(JSON.stringify(text)),
        metadata: { text, fault: expect.stringContaining(fault) },
      }),
    );
  });

  test('are refused where one is there twice, and where there are more than 1,000', () => {
    expect(() => parseQuotas(['team=slots:1', 'team=cpu:1'])).toThrow('team is declared twice');
    const many = Array.from({ length: 1_000 }, (_, i) => `q${i}=slots:1`);
    expect(parseQuotas(many).size).toBe(1_000);
    expect(() => parseQuotas([...many, 'last=slots:1'])).toThrow('there are 1000 already');
  });
});
