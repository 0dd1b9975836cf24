import { describe, expect, test } from 'vitest';
import { messageOf } from './error.ts';
import { FairPlaces } from './fair-places.ts';
import { FairQueue } from './fair-queue.ts';
import { type Random, seededRandom } from './random.ts';

interface Item {
  readonly flow: string;
  readonly cost: number;
}

const maxCost = 10;

/** A failure names the seed that replays it. */
function forEachSeed(run: (seed: number) => void): void {
  for (let seed = 1; seed <= 200; seed++) {
    try {
      run(seed);
    } catch (cause) {
      throw new Error(`seed ${seed}: ${messageOf(cause)}`, { cause });
    }
  }
}

function itemOf(random: Random, flows: number): Item {
  return { flow: `f${random.integer(1, flows)}`, cost: random.integer(1, maxCost) };
}

describe('a fair queue', () => {
  test('takes turns between flows, whoever came first with however many', () => {
    const queue = new FairQueue<string>();
    for (let i = 0; i < 5; i++) queue.add('greedy', 1, `g${i}`);
    queue.add('modest', 1, 'm0');
    queue.add('modest', 1, 'm1');
    const order = Array.from({ length: 7 }, () => queue.take());
    expect(order).toEqual(['g0', 'm0', 'g1', 'm1', 'g2', 'g3', 'g4']);
    expect(queue.take()).toBeUndefined();
  });

  test('counts what an item costs: one that is dear is one turn of many that are cheap', () => {
    const queue = new FairQueue<string>();
    for (let i = 0; i < 2; i++) queue.add('dear', 4, 'D');
    for (let i = 0; i < 8; i++) queue.add('cheap', 1, 'c');
    const order = Array.from({ length: 10 }, () => queue.take()).join('');
    expect(order).toBe('DccccDcccc');
  });

  test('gives flows that wait the same share, within three items', () =>
    forEachSeed((seed) => {
      const random = seededRandom(seed);
      const queue = new FairQueue<Item>();
      const flows = random.integer(2, 8);
      const served = new Map<string, number>();
      const backlog = random.integer(20, 60);
      for (let f = 1; f <= flows; f++) {
        for (let i = 0; i < backlog; i++) {
          const item = { ...itemOf(random, 1), flow: `f${f}` };
          queue.add(item.flow, item.cost, item);
        }
        served.set(`f${f}`, 0);
      }
      // Others come and go meanwhile.
      for (let turn = 0; turn < backlog * flows; turn++) {
        if (random.next() < 0.3) {
          const guest = { flow: `guest${random.integer(1, 5)}`, cost: random.integer(1, maxCost) };
          queue.add(guest.flow, guest.cost, guest);
        }
        const item = queue.take()!;
        served.set(item.flow, (served.get(item.flow) ?? 0) + item.cost);
        const hosts = Array.from({ length: flows }, (_, i) => `f${i + 1}`);
        if (hosts.some((flow) => queue.sizeOf(flow) === 0)) break;
        const shares = hosts.map((flow) => served.get(flow)!);
        expect(Math.max(...shares) - Math.min(...shares)).toBeLessThanOrEqual(3 * maxCost);
      }
    }));

  test('starves nobody, though ever new flows come', () =>
    forEachSeed((seed) => {
      const random = seededRandom(seed);
      const queue = new FairQueue<Item>();
      const others = random.integer(1, 20);
      // One that has had a dear turn, so that its next one is due late.
      const had = { flow: 'patient', cost: maxCost };
      queue.add(had.flow, had.cost, had);
      queue.take();
      const patient = { flow: 'patient', cost: 1 };
      queue.add(patient.flow, patient.cost, patient);
      for (let i = 0; i < others; i++) queue.add(`first${i}`, 1, { flow: '', cost: 1 });
      let turns = 0;
      while (queue.take() !== patient) {
        turns++;
        queue.add(`new${turns}`, 1, { flow: '', cost: random.integer(1, maxCost) });
        expect(turns).toBeLessThanOrEqual((others + 2) * (maxCost + 2));
      }
    }));

  test('an item that is withdrawn is never taken, and its flow waits no more', () => {
    const queue = new FairQueue<Item>();
    const item = { flow: 'a', cost: 1 };
    queue.add('a', 1, item);
    expect(queue.remove('a', { ...item })).toBe(false);
    expect(queue.remove('a', item)).toBe(true);
    expect(queue.remove('a', item)).toBe(false);
    expect([queue.size, queue.take()]).toEqual([0, undefined]);
  });
});

describe('fair places', () => {
  test('never pass a bound, and lose nobody', () =>
    forEachSeed((seed) => {
      const random = seededRandom(seed);
      const limits = {
        places: random.integer(1, 4),
        maxWaiting: random.integer(0, 12),
        maxWaitingPerFlow: random.integer(1, 6),
      };
      const places = new FairPlaces<Item>(limits);
      const inside = new Set<Item>();
      const waiting = new Set<Item>();
      for (let step = 0; step < 120; step++) {
        const chance = random.next();
        if (chance < 0.5) {
          const item = itemOf(random, 4);
          const arrival = places.arrive(item.flow, item.cost, item);
          if (arrival.kind === 'entered') inside.add(item);
          else if (arrival.kind === 'waiting') waiting.add(item);
          else expect(arrival.waiting).toBeGreaterThanOrEqual(arrival.limit);
        } else if (chance < 0.9 && inside.size > 0) {
          inside.delete(random.pick([...inside]));
          const next = places.leave();
          if (next !== undefined) {
            expect(waiting.delete(next)).toBe(true);
            inside.add(next);
          }
        } else if (waiting.size > 0) {
          const item = random.pick([...waiting]);
          waiting.delete(item);
          expect(places.withdraw(item.flow, item)).toBe(true);
        }
        expect([places.inside, places.waiting]).toEqual([inside.size, waiting.size]);
        expect(inside.size).toBeLessThanOrEqual(limits.places);
        expect(waiting.size).toBeLessThanOrEqual(limits.maxWaiting);
        const ofFlow = Object.values(Object.groupBy(waiting, ({ flow }) => flow));
        for (const items of ofFlow) {
          expect(items!.length).toBeLessThanOrEqual(limits.maxWaitingPerFlow);
        }
        // Nobody waits beside a free place.
        if (waiting.size > 0) expect(inside.size).toBe(limits.places);
      }
    }));

  test('tell how many turns a newcomer waits: those of his own, and as many of each other', () => {
    const places = new FairPlaces<string>({ places: 2, maxWaiting: 100, maxWaitingPerFlow: 100 });
    expect(places.turnsBefore('b')).toBe(0);
    for (let i = 0; i < 22; i++) places.arrive('a', 1, `a${i}`);
    expect([places.turnsBefore('a'), places.turnsBefore('b')]).toEqual([11, 1]);
  });
});
