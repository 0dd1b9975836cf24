import { expect, test } from 'vitest';
import { reasonOf } from './reason.ts';

const size = (slots: number, cost: number) => ({ cost, size: { slots } });

test.each([
  {
    chosen: size(6, 14.44),
    stay: size(2, 26.3),
    code: 'LAG_AVERTED',
    message:
      'Records would wait too long as it is. Looking ahead, 6 slots would cost 14.4 slot-hours, waiting and the change counted in; staying as it is, with 2, 26.3 slot-hours.',
  },
  {
    chosen: size(1, 0.5),
    stay: size(6, 1.4),
    code: 'SLOTS_SAVED',
    message:
      'Fewer slots are enough. Looking ahead, 1 slot would cost 0.5 slot-hours, waiting and the change counted in; staying as it is, with 6, 1.4 slot-hours.',
  },
])('$code says what was weighed, what it costs, and what the alternative does', (one) => {
  const { chosen, stay, code, message } = one;
  expect(reasonOf(chosen, stay)).toEqual({ code, message });
});

test('a job that stays as it is compares with nothing', () => {
  const stay = size(2, 3);
  expect(reasonOf(stay, stay).code).toBe('CHEAPEST');
});
