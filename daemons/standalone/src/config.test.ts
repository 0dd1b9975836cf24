import { describe, expect, test } from 'vitest';
import { buildMemoryOf } from './config.ts';

const gibibyte = 1024 ** 3;

describe('memory of a build', () => {
  test.each([
    { machine: 2, wanted: 1, why: 'enough for a small build, however small the machine' },
    { machine: 8, wanted: 2, why: 'a quarter' },
    { machine: 64, wanted: 2.75, why: 'no more than keeps the whole process below 4 GB' },
  ])('on $machine GiB it is $wanted GiB: $why', ({ machine, wanted }) => {
    expect(buildMemoryOf(machine * gibibyte)).toBe(wanted * gibibyte);
  });
});
