import { expect, test } from 'vitest';
import { reactionTo } from './reaction.ts';
import type { Sample } from './sample.ts';

const small = { workers: 1, slots: 1, wanted: 1, isRunning: true };
const wide = { workers: 5, slots: 5, wanted: 5, isRunning: true };

test('the seconds between a change of load and another size are told by what each went to', () => {
  const samples: Sample[] = [
    { seconds: 9, providedSlots: 2, registeredSlots: 2, job: small },
    { seconds: 12, providedSlots: 2, registeredSlots: 2, job: small },
    { seconds: 14, providedSlots: 6, registeredSlots: 2, job: small },
    { seconds: 18, providedSlots: 6, registeredSlots: 4, job: small },
    { seconds: 19, providedSlots: 6, registeredSlots: 6, job: small },
    { seconds: 20, providedSlots: 6, registeredSlots: 6, job: { ...small, wanted: 5 } },
    { seconds: 22, providedSlots: 6, registeredSlots: 6, job: { ...wide, isRunning: false } },
    { seconds: 23, providedSlots: 6, registeredSlots: 6, job: wide },
  ];
  const decisions = [
    { seconds: 11, why: ['LOAD_CHANGING'] },
    { seconds: 13, to: 5, why: ['LAG_AVERTED'] },
  ];
  const reaction = reactionTo({ fromSeconds: 10, untilSeconds: 60 }, samples, decisions);
  expect(Object.fromEntries(reaction)).toEqual({
    decided: 3,
    'TaskManagers started': 4,
    'slots registered': 9,
    'Flink asked': 10,
    deployed: 12,
    'all run': 13,
  });
});

test('what did not come is absent', () => {
  const samples = [9, 12, 14].map((seconds) => ({ seconds, providedSlots: 2, job: small }));
  expect(reactionTo({ fromSeconds: 10, untilSeconds: 60 }, samples, []).size).toBe(0);
});
