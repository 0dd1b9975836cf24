import { beforeEach, expect, test } from 'vitest';
import { hostOf } from './fixture.ts';
import { HostWatch } from './host-watch.ts';

let watch: HostWatch;
let nowMs: number;
beforeEach(() => {
  watch = new HostWatch();
  nowMs = 0;
});

const { processes: _, ...gone } = hostOf('a');
const host = { there: hostOf('a'), gone } as const;

/** Looks once a second for so long, and gives why the host is unfit then. */
function look(state: keyof typeof host, seconds = 1): string | undefined {
  for (let i = 0; i < seconds; i++) {
    nowMs += 1_000;
    watch.look([host[state]], { beganMs: nowMs, overMs: nowMs });
  }
  return watch.unfit(host[state]);
}

test('a host that is silent for a moment keeps its work; one that stays silent loses it', () => {
  expect(look('there')).toBeUndefined();
  expect(look('gone', 15)).toBeUndefined();
  expect(look('there')).toBeUndefined();
  expect(look('gone', 17)).toBe('SILENT');
});

test('a host that was out is given work when it has been back for a while without a break', () => {
  look('gone', 17);
  expect(look('there', 29)).toBe('RETURNED');
  expect(look('gone')).toBe('SILENT');
  expect(look('there', 60)).toBe('RETURNED');
  expect(look('there')).toBeUndefined();
});

test('each time it has to be back for longer, up to a bound, until its absences are forgotten', () => {
  const waits = Array.from({ length: 7 }, () => {
    look('gone', 17);
    let seconds = 0;
    while (look('there') !== undefined) seconds += 1;
    return seconds;
  });
  expect(waits).toEqual([30, 60, 120, 240, 480, 900, 900]);
  look('there', 3_600);
  look('gone', 17);
  expect(look('there', 31)).toBeUndefined();
});

test('a host that is silent for moments again and again is told of, and keeps its work', () => {
  const gap = () => [look('gone', 2), look('there', 2)];
  expect([...gap(), ...gap()]).toEqual([undefined, undefined, undefined, undefined]);
  expect(watch.troubleOf(host.there)).toBeUndefined();
  expect(gap()).toEqual([undefined, undefined]);
  expect(watch.troubleOf(host.there)).toBe('HOST_UNSTEADY');
  look('there', 300);
  expect(watch.troubleOf(host.there)).toBeUndefined();
});

test('why a host is given no work is told', () => {
  look('gone', 17);
  expect(watch.troubleOf(host.gone)).toBe('HOST_SILENT');
  look('there');
  expect(watch.troubleOf(host.there)).toBe('HOST_RETURNED');
});

test('a host that the operator drains is given no work', () => {
  expect(watch.unfit(hostOf('a', { isDraining: true }))).toBe('DRAINING');
});

const cutOff = (session: string) => ({
  ...gone,
  session,
  isLeaseFree: true,
  cutOffAfterMs: 30_000,
});

test('a host is lost when its lease was seen free for long enough, from the end of one look to the beginning of another', () => {
  watch.look([cutOff('s')], { beganMs: 0, overMs: 5_000 });
  watch.look([cutOff('s')], { beganMs: 45_000, overMs: 99_000 });
  expect(watch.isLost(cutOff('s'))).toBe(false);
  watch.look([cutOff('s')], { beganMs: 45_400, overMs: 99_000 });
  expect(watch.isLost(cutOff('s'))).toBe(true);
});

test.each([
  { what: 'of another session', host: cutOff('t') },
  { what: 'that is not seen while nobody says that its lease is free', host: gone },
  { what: 'that is seen', host: hostOf('a') },
])('a host $what is not lost, and counts anew', ({ host: between }) => {
  watch.look([cutOff('s')], { beganMs: 0, overMs: 0 });
  watch.look([between], { beganMs: 50_000, overMs: 50_000 });
  expect(watch.isLost(between)).toBe(false);
  watch.look([cutOff('s')], { beganMs: 60_000, overMs: 60_000 });
  expect(watch.isLost(cutOff('s'))).toBe(false);
});

test('a host that does not promise to end anything is never lost', () => {
  const { cutOffAfterMs, ...silentHost } = cutOff('s');
  watch.look([silentHost], { beganMs: 0, overMs: 0 });
  watch.look([silentHost], { beganMs: 1e9, overMs: 1e9 });
  expect(watch.isLost(silentHost)).toBe(false);
});
