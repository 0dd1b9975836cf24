import { describe, expect, test } from 'vitest';
import {
  forbiddingWindow,
  isOpen,
  type MaintenanceWindow,
  windowFault,
} from './maintenance-windows.ts';

const window = (changes: Partial<MaintenanceWindow>): MaintenanceWindow => ({
  name: 'w',
  rule: 'freeze',
  timeZone: 'UTC',
  from: '22:00',
  to: '04:00',
  ...changes,
});
const at = (text: string) => Date.parse(text);
const minute = 60_000;

/** Minutes of a span in which the window is open. */
function openMinutes(each: MaintenanceWindow, from: string, hours: number): number {
  let count = 0;
  for (let i = 0; i < hours * 60; i++) if (isOpen(each, at(from) + i * minute)) count++;
  return count;
}

describe('a maintenance window', () => {
  test.each([
    { time: '2026-01-09T22:00:00Z', open: true, why: 'begins' },
    { time: '2026-01-09T21:59:59Z', open: false, why: 'has not begun' },
    { time: '2026-01-10T03:59:59Z', open: true, why: 'goes on after midnight' },
    { time: '2026-01-10T04:00:00Z', open: false, why: 'has ended' },
    { time: '2026-01-10T22:30:00Z', open: false, why: 'does not begin on a Saturday' },
    { time: '2026-01-09T03:00:00Z', open: false, why: 'did not begin on Thursday' },
  ])('of Friday nights $why at $time', ({ time, open }) => {
    expect(isOpen(window({ days: ['fri'] }), at(time))).toBe(open);
  });

  test('follows the clocks of its zone, in winter and in summer', () => {
    const nine = window({ timeZone: 'Europe/Berlin', from: '09:00', to: '10:00' });
    expect(isOpen(nine, at('2026-01-15T08:30:00Z'))).toBe(true);
    expect(isOpen(nine, at('2026-07-15T07:30:00Z'))).toBe(true);
    expect(isOpen(nine, at('2026-07-15T08:30:00Z'))).toBe(false);
  });

  test('is not there in the hour that clocks skip, and twice in the one that they show twice', () => {
    const two = window({ timeZone: 'Europe/Berlin', from: '02:00', to: '03:00' });
    expect(openMinutes(two, '2026-03-28T12:00:00Z', 24)).toBe(0);
    expect(openMinutes(two, '2026-10-24T12:00:00Z', 24)).toBe(120);
    expect(openMinutes(two, '2026-06-01T12:00:00Z', 24)).toBe(60);
  });

  test('is longer or shorter by what clocks are moved within it', () => {
    const night = window({ timeZone: 'America/New_York' });
    expect(openMinutes(night, '2026-03-07T17:00:00Z', 24)).toBe(5 * 60);
    expect(openMinutes(night, '2026-10-31T16:00:00Z', 24)).toBe(7 * 60);
  });

  test('knows zones that are off by half hours, and dates before 1970', () => {
    const noon = window({ timeZone: 'Asia/Kolkata', from: '12:00', to: '12:30' });
    expect(isOpen(noon, at('2026-01-15T06:30:00Z'))).toBe(true);
    expect(isOpen(window({ days: ['wed'] }), at('1969-12-31T23:00:00Z'))).toBe(true);
  });

  test.each([
    { fault: 'timeZone', changes: { timeZone: 'Mars/Base' } },
    { fault: '24:00', changes: { to: '24:00' } },
    { fault: 'days is empty', changes: { days: [] } },
  ])('says what is wrong with $changes', ({ fault, changes }) => {
    expect(windowFault(window(changes))).toContain(fault);
    expect(windowFault(window({}))).toBeUndefined();
  });
});

describe('the windows of a job', () => {
  const open = { from: '00:00', to: '23:59' };
  const shut = { from: '23:58', to: '23:59' };
  const nowMs = at('2026-01-15T12:00:00Z');
  const forbids = (windows: readonly Partial<MaintenanceWindow>[], isDown: boolean) =>
    forbiddingWindow(windows.map(window), nowMs, { isDown }) !== undefined;

  test.each([
    { rule: 'freeze', when: open, up: true, down: true },
    { rule: 'freeze', when: shut, up: false, down: false },
    { rule: 'noScaleDown', when: open, up: false, down: true },
    { rule: 'only', when: open, up: false, down: false },
    { rule: 'only', when: shut, up: true, down: true },
  ] as const)('$rule $when: up forbidden $up, down forbidden $down', ({ rule, when, up, down }) => {
    expect(forbids([{ rule, ...when }], false)).toBe(up);
    expect(forbids([{ rule, ...when }], true)).toBe(down);
  });

  test('allow what one of several is for', () => {
    expect(
      forbids(
        [
          { rule: 'only', ...shut },
          { rule: 'only', ...open },
        ],
        false,
      ),
    ).toBe(false);
    expect(
      forbids(
        [
          { rule: 'only', ...open },
          { rule: 'freeze', ...open },
        ],
        false,
      ),
    ).toBe(true);
  });
});
