import { gaussian, randomFor, wandering } from './noise.ts';

export const tickSeconds = 5;
const ticksPerMinute = 60 / tickSeconds;
const ticksPerHour = 60 * ticksPerMinute;
const ticksPerDay = 24 * ticksPerHour;

/** Load over time, as a multiple of a job's nominal rate. */
export interface Trace {
  readonly name: string;
  /** One value for each tick. */
  readonly load: Float64Array;
  /** What came before this tick waits already when the job starts. */
  readonly startTick: number;
}

/** Whether history tells what comes: other figures are asked of those. */
export type TraceClass = 'predictable' | 'unpredictable';

export interface TraceKind {
  readonly name: string;
  readonly class: TraceClass;
  draw(seed: number, days: number): Trace;
}

/** A shape of the time, with noise of a minute's memory upon it. */
function kind(
  name: string,
  traceClass: TraceClass,
  shape: (seed: number, ticks: number) => (tick: number) => number,
  { noise = 0.05, startTick = 0 } = {},
): TraceKind {
  return {
    name,
    class: traceClass,
    draw(seed, days) {
      const ticks = startTick + Math.round(days * ticksPerDay);
      const at = shape(seed, ticks);
      const random = randomFor(seed, `${name} noise`);
      const wander = wandering(random, noise, ticksPerMinute);
      const load = new Float64Array(ticks);
      for (let tick = 0; tick < ticks; tick++) load[tick] = Math.max(0, at(tick) * (1 + wander()));
      return { name, load, startTick };
    },
  };
}

const day = (tick: number, phase: number) =>
  1 + 0.6 * Math.sin(2 * Math.PI * (tick / ticksPerDay + phase));

/** Where in the day the seed begins. */
const phaseOf = (seed: number) => randomFor(seed, 'phase').next();

/** A value for each block of time, drawn in order. */
function blocks(ticks: number, length: number, draw: () => number): Float64Array {
  return Float64Array.from({ length: Math.ceil(ticks / length) }, draw);
}

/** Multiples that last for minutes, at times nobody knows. */
function bursts(
  seed: number,
  ticks: number,
  { perDay, size, minutes }: { perDay: number; size: () => number; minutes: [number, number] },
): Float64Array {
  const random = randomFor(seed, 'bursts');
  const factor = new Float64Array(ticks).fill(1);
  const count = Math.round((perDay * ticks) / ticksPerDay);
  for (let i = 0; i < count; i++) {
    const from = random.integer(0, ticks - 1);
    const to = from + random.integer(...minutes) * ticksPerMinute;
    const times = size();
    for (let tick = from; tick < Math.min(to, ticks); tick++) factor[tick] = times;
  }
  return factor;
}

export const diurnal = kind('diurnal', 'predictable', (seed) => {
  const phase = phaseOf(seed);
  return (tick) => day(tick, phase);
});

/** Begins on a Friday. */
export const weekly = kind('weekly', 'predictable', (seed) => {
  const phase = phaseOf(seed);
  return (tick) =>
    day(tick, phase) * ([1.15, 0.65, 0.6][Math.floor(tick / ticksPerDay) % 7] ?? 1.1);
});

export const diurnalSpikes = kind('diurnal-spikes', 'unpredictable', (seed, ticks) => {
  const phase = phaseOf(seed);
  const random = randomFor(seed, 'sizes');
  const size = () => 1.5 + random.next();
  const factor = bursts(seed, ticks, { perDay: 3, size, minutes: [5, 20] });
  return (tick) => day(tick, phase) * factor[tick]!;
});

/** Twice or half as much every three hours. */
export const steps = kind('steps', 'unpredictable', (seed, ticks) => {
  const random = randomFor(seed, 'steps');
  let level = 1;
  const levels = blocks(ticks, 3 * ticksPerHour, () => {
    const up = level <= 0.5 || (level < 2 && random.next() < 0.5);
    level *= up ? 2 : 0.5;
    return level;
  });
  return (tick) => levels[Math.floor(tick / (3 * ticksPerHour))]!;
});

/** From nothing to the peak in 140 minutes and back. */
export const ramp = kind('ramp', 'predictable', (seed) => {
  const offset = phaseOf(seed) * 2;
  return (tick) => {
    const at = (tick / (140 * ticksPerMinute) + offset) % 2;
    return 0.1 + 1.9 * (at < 1 ? at : 2 - at);
  };
});

export const flatNoisy = kind('flat-noisy', 'unpredictable', () => () => 1, { noise: 0.15 });

export const randomWalk = kind('random-walk', 'unpredictable', (seed, ticks) => {
  const next = gaussian(randomFor(seed, 'walk'));
  let value = Math.log(1.2);
  const minutes = blocks(ticks, ticksPerMinute, () => {
    value += 0.012 * next() - 0.0006 * (value - Math.log(1.2));
    value = Math.min(Math.log(2.5), Math.max(Math.log(0.3), value));
    return Math.exp(value);
  });
  return (tick) => minutes[Math.floor(tick / ticksPerMinute)]!;
});

export const cosineHour = kind('cosine-60', 'predictable', (seed) => {
  const phase = phaseOf(seed);
  return (tick) => 1.25 + 0.95 * Math.cos(2 * Math.PI * (tick / ticksPerHour + phase));
});

/** A new level each ten minutes, within half a step of the last. */
export const randomLevels = kind('random-levels', 'unpredictable', (seed, ticks) => {
  const random = randomFor(seed, 'levels');
  let level = 1.25;
  const levels = blocks(ticks, 10 * ticksPerMinute, () => {
    level = Math.min(2.5, Math.max(0.25, level + (random.next() - 0.5) * 0.5));
    return level;
  });
  return (tick) => levels[Math.floor(tick / (10 * ticksPerMinute))]!;
});

/** Ten minutes of nothing, fifty at the peak, an hour at half of it. */
export const rounds = kind('rounds', 'unpredictable', () => (tick) => {
  const minute = (tick / ticksPerMinute) % 120;
  return minute < 10 ? 0 : minute < 60 ? 2 : 1;
});

/** Two levels, ten minutes each. */
export const twoRates = kind('two-rates', 'unpredictable', () => (tick) => {
  return Math.floor(tick / (10 * ticksPerMinute)) % 2 === 0 ? 2 : 1;
});

/** Two peaks a day, a trend, and bursts of every size. */
export const doublePeak = kind('double-peak', 'unpredictable', (seed, ticks) => {
  const phase = phaseOf(seed);
  const random = randomFor(seed, 'sizes');
  const size = () => Math.min(3, 1.1 * (1 - random.next()) ** -0.35);
  const factor = bursts(seed, ticks, { perDay: 6, size, minutes: [3, 30] });
  return (tick) => {
    const angle = 2 * Math.PI * (tick / ticksPerDay + phase);
    const shape = 1 + 0.4 * Math.sin(angle) + 0.25 * Math.sin(2 * angle + 1);
    return shape * (1 + (0.1 * tick) / ticks) * factor[tick]!;
  };
});

/** The job starts with what two hours have left behind. */
export const backlog = kind(
  'backlog',
  'unpredictable',
  (seed) => {
    const phase = phaseOf(seed);
    return (tick) => 0.8 * day(tick, phase);
  },
  { startTick: 2 * ticksPerHour },
);

/** Six hours of next to nothing, then six of load. */
export const idleBurst = kind('idle-burst', 'unpredictable', () => (tick) => {
  return Math.floor(tick / (6 * ticksPerHour)) % 2 === 0 ? 0.003 : 1.5;
});

/** Always the same, without noise to speak of: for convergence. */
export const constant = kind('constant', 'predictable', () => () => 1, { noise: 0.02 });
