import { describe, expect, test } from 'vitest';
import { type RolloutPlan, rollOut } from './rollout.ts';

const stepSeconds = 60;
const hour = (rate: number, hours = 1) =>
  new Array<number>((3600 * hours) / stepSeconds).fill(rate);
const patience = { atFirst: 90, inTheEnd: 30 };
const stay = (capacity: number): RolloutPlan => ({
  capacityBefore: capacity,
  capacityAfter: capacity,
  beginsSeconds: 0,
  downSeconds: 0,
  stepSeconds,
});

describe('a roll-out', () => {
  test('has no lag while the capacity is above the load', () => {
    expect(rollOut(0, hour(100), stay(110), patience)).toEqual({
      maxLagSeconds: 0,
      lateSeconds: 0,
      firstLateSeconds: Infinity,
      drainedSeconds: stepSeconds,
    });
  });

  test('grows by what is not read, and says when that is too much', () => {
    const { maxLagSeconds, firstLateSeconds } = rollOut(0, hour(100), stay(80), patience);
    expect(maxLagSeconds).toBeCloseTo(0.2 * 3600);
    expect(firstLateSeconds).toBe(360);
  });

  test('is late for a while only when a downtime is worked off', () => {
    const change = {
      capacityBefore: 100,
      capacityAfter: 150,
      beginsSeconds: 0,
      downSeconds: 120,
      stepSeconds,
    };
    const { maxLagSeconds, lateSeconds } = rollOut(0, hour(100), change, patience);
    expect(maxLagSeconds).toBeCloseTo(120);
    expect(lateSeconds).toBeGreaterThan(0);
    expect(lateSeconds).toBeLessThan(300);
  });

  test('measures what waits by the load that it came with, not by none', () => {
    const ended = [...hour(100, 0.5), ...hour(0, 0.5)];
    expect(rollOut(0, ended, stay(99), patience).maxLagSeconds).toBeLessThan(60);
  });

  test('says when a change has worked off what waited', () => {
    const change = { ...stay(100), capacityAfter: 200, downSeconds: 60 };
    expect(rollOut(6_000, hour(100), change, patience).drainedSeconds).toBe(180);
    expect(rollOut(6_000, hour(100), stay(100), patience).drainedSeconds).toBe(Infinity);
  });
});
