import { describe, expect, test } from 'vitest';
import { fairWeather, type Host, Life, Network, type Weather, World } from './index.ts';

const nothing = () => {};
const minute = 60_000;

/** Two lives, of which the second says what it is asked, over a network. */
function pair(seed: number, weather: Partial<Weather> = {}) {
  const world = new World(seed);
  const network = new Network(world);
  network.weather = { ...fairWeather, ...weather };
  const [asking, answering] = [new Life('asking', world, 0), new Life('answering', world, 0)];
  const host: { name: string; life: Life | undefined } = { name: 'answering', life: answering };
  const heard: number[] = [];
  const ask = (what: number) =>
    network.call(
      asking,
      host satisfies Host,
      async () => {
        heard.push(what);
        await answering.clock.sleep(10);
        return what;
      },
      undefined,
    );
  return { world, network, asking, answering, host, heard, ask };
}

async function outcomeOf(work: Promise<unknown>, world: World): Promise<unknown> {
  let outcome: unknown = 'nothing yet';
  work.then(
    (value) => {
      outcome = value;
    },
    (error: { readonly reason?: string }) => {
      outcome = error.reason;
    },
  );
  await world.run(world.nowMs + minute, nothing);
  return outcome;
}

describe('a life', () => {
  test('that has ended does nothing more, in the middle of what it did', async () => {
    const { world, answering, heard, ask } = pair(1);
    const asked = ask(1);
    world.after(6, () => answering.end());
    expect(await outcomeOf(asked, world)).toBe('UNAVAILABLE');
    expect(heard).toEqual([1]);
  });

  test('that is paused does later what came meanwhile, in its order', async () => {
    const { world, answering, heard, ask } = pair(1);
    answering.pause(minute / 2);
    const asked = Promise.allSettled([ask(1), ask(2)]);
    const outcomes = (await outcomeOf(asked, world)) as PromiseSettledResult<number>[];
    expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    expect(heard.toSorted()).toEqual([1, 2]);
  });

  test('sleeps as long as it was told, unless it is woken', async () => {
    const world = new World(1);
    const { clock } = new Life('one', world, 0);
    const beganMs = clock.monotonicMs();
    const slept = clock.sleep(500).then(() => clock.monotonicMs() - beganMs);
    const woken = new AbortController();
    const cut = expect(clock.sleep(minute, woken.signal)).rejects.toThrow('woken');
    world.after(100, () => woken.abort(new Error('woken')));
    expect(await outcomeOf(slept, world)).toBe(500);
    await cut;
  });
});

describe('the network', () => {
  test('carries a call and its answer', async () => {
    const { world, ask } = pair(1);
    expect(await outcomeOf(ask(7), world)).toBe(7);
  });

  test.each([
    { weather: { loss: 1 }, heard: [] },
    { weather: { duplication: 1 }, heard: [1, 1] },
    { weather: { late: 1, lateMs: 50_000 }, heard: [1] },
  ])(
    'in weather of $weather a call arrives so often: $heard',
    async ({ weather, heard: expected }) => {
      const { world, heard, ask } = pair(3, weather);
      await outcomeOf(ask(1), world);
      expect(heard).toEqual(expected);
    },
  );

  test('carries nothing over a cut, until it is mended', async () => {
    const { world, network, ask, heard } = pair(1);
    network.cut('answering', 'asking');
    expect(await outcomeOf(ask(1), world)).toBe('UNAVAILABLE');
    network.mend('asking', 'answering');
    expect(await outcomeOf(ask(2), world)).toBe(2);
    expect(heard).toEqual([2]);
  });

  test('keeps a stream in order, and breaks it when its source dies', async () => {
    const { world, network, asking, answering, host } = pair(5, { delayMs: 100 });
    const numbers = async function* () {
      for (let i = 0; ; i++) {
        yield i;
        await answering.clock.sleep(10);
      }
    };
    const seen: number[] = [];
    const read = async () => {
      for await (const item of network.stream(asking, host, numbers, undefined)) seen.push(item);
    };
    world.after(1_000, () => answering.end());
    expect(await outcomeOf(read(), world)).toBe('UNAVAILABLE');
    expect(seen.length).toBeGreaterThan(50);
    expect(seen).toEqual(seen.map((_, i) => i));
  });

  test('does the same again from the same seed', async () => {
    const traceOf = async (seed: number) => {
      const { world, ask } = pair(seed, { loss: 0.2, duplication: 0.2, delayMs: 50 });
      const all = Promise.allSettled(Array.from({ length: 20 }, (_, i) => ask(i)));
      await outcomeOf(all, world);
      return world.trace;
    };
    expect(await traceOf(1)).toBe(await traceOf(1));
    expect(await traceOf(1)).not.toBe(await traceOf(2));
  });
});
