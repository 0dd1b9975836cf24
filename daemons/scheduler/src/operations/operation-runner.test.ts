import { Code, TesseraError } from '@tessera/base';
import { errorOf } from '@tessera/client';
import { describe, expect, test, vi } from 'vitest';
import type { OperationContext } from './operation.ts';
import { allCubes } from './operation.ts';
import { SchedulerFixture, TestKind } from './scheduler-fixture.ts';

const patience = { timeout: 20_000 };

function failure(reason: string): TesseraError {
  return new TesseraError({ code: Code.UNAVAILABLE, reason, message: `${reason} for a test.` });
}

/** A promise and what resolves it. */
function gate() {
  return Promise.withResolvers<void>();
}

describe('the runner', () => {
  test('runs what waits, oldest first, one at a time per target', async () => {
    await using fixture = await SchedulerFixture.open();
    const began: string[] = [];
    const open = new Map(['a', 'b', 'c'].map((id) => [id, gate()]));
    const kind = new TestKind('work', async ({ record }) => {
      const id = record.name.slice(-1);
      began.push(id);
      await open.get(id)!.promise;
    });
    const names = [
      await fixture.ask('work', 'cube-1', 'a'),
      await fixture.ask('work', 'cube-1', 'b'),
      await fixture.ask('work', 'cube-2', 'c'),
    ];
    await using _ = fixture.scheduler([kind], 2);
    await expect.poll(() => began, patience).toEqual(['a', 'c']);
    open.get('a')!.resolve();
    await expect.poll(() => began, patience).toEqual(['a', 'c', 'b']);
    for (const { resolve } of open.values()) resolve();
    for (const name of names) {
      await expect.poll(() => fixture.state(name), patience).toBe('SUCCEEDED');
    }
    expect(kind.cleaned.toSorted()).toEqual(names.toSorted());
  });

  test('looks again after it could not list what waits', async () => {
    await using fixture = await SchedulerFixture.open();
    const list = vi.spyOn(fixture.clients.operationRecords, 'listOperationRecords');
    list.mockRejectedValueOnce(failure('RESTORE_INCOMPLETE'));
    await using _ = fixture.scheduler([new TestKind('work', async () => {})]);
    await expect.poll(() => list.mock.calls.length, patience).toBe(1);
    const name = await fixture.ask('work', 'cube', 'a');
    await expect.poll(() => fixture.state(name), patience).toBe('SUCCEEDED');
  });

  test('runs nothing beside what is done to all cubes', async () => {
    await using fixture = await SchedulerFixture.open();
    const began: string[] = [];
    const held = gate();
    const kind = new TestKind('work', async ({ record }) => {
      began.push(record.target);
      await held.promise;
    });
    await fixture.ask('work', allCubes, 'a');
    const last = await fixture.ask('work', 'cube-1', 'b');
    await using _ = fixture.scheduler([kind], 4);
    await expect.poll(() => began, patience).toEqual([allCubes]);
    held.resolve();
    await expect.poll(() => fixture.state(last), patience).toBe('SUCCEEDED');
    expect(began).toEqual([allCubes, 'cube-1']);
  });

  test.each([
    ['that may pass is tried three times', 'STORE_BUSY', 3],
    ['that will not pass is told at once', 'LOOKUP_NOT_UNIQUE', 1],
  ])('a failure %s', async (_, reason, tries) => {
    await using fixture = await SchedulerFixture.open();
    let tried = 0;
    const kind = new TestKind('work', async () => {
      tried++;
      throw failure(reason);
    });
    const name = await fixture.ask('work', 'cube', 'a');
    await using __ = fixture.scheduler([kind]);
    const later = async () => {
      await fixture.clock.advance(500);
      return fixture.state(name);
    };
    await expect.poll(later, patience).toBe('FAILED');
    expect(tried).toBe(tries);
    expect(kind.cleaned).toEqual([name]);
    const { result } = await fixture.clients.operationRecords.getOperationRecord({ name });
    expect(result?.$case === 'error' && errorOf(result.value).reason).toBe(reason);
  });

  test('a kind that nobody knows is a failure, not a crash', async () => {
    await using fixture = await SchedulerFixture.open();
    const name = await fixture.ask('fly', 'cube', 'a');
    await using _ = fixture.scheduler([]);
    await expect.poll(() => fixture.state(name), patience).toBe('FAILED');
  });
});

describe('cancelling', () => {
  test('ends running work and cleans up after it', async () => {
    await using fixture = await SchedulerFixture.open();
    const running = gate();
    const kind = new TestKind('work', async ({ signal }) => {
      running.resolve();
      await new Promise((_, reject) =>
        signal.addEventListener('abort', () => reject(signal.reason)),
      );
    });
    const name = await fixture.ask('work', 'cube', 'a');
    await using _ = fixture.scheduler([kind]);
    await running.promise;
    await fixture.cancel(name);
    await expect.poll(() => fixture.state(name), patience).toBe('CANCELLED');
    expect(kind.cleaned).toEqual([name]);
  });

  test('ends what waits for its turn without waiting for it', async () => {
    await using fixture = await SchedulerFixture.open();
    const held = gate();
    const kind = new TestKind('work', () => held.promise);
    const first = await fixture.ask('work', 'cube', 'a');
    const second = await fixture.ask('work', 'cube', 'b');
    await using _ = fixture.scheduler([kind]);
    await expect.poll(() => fixture.state(first), patience).toBe('RUNNING');
    await fixture.cancel(second);
    await expect.poll(() => fixture.state(second), patience).toBe('CANCELLED');
    expect(await fixture.state(first)).toBe('RUNNING');
    held.resolve();
    await expect.poll(() => fixture.state(first), patience).toBe('SUCCEEDED');
  });

  test('ends work that does not listen; what it does later is not written', async () => {
    await using fixture = await SchedulerFixture.open();
    const running = gate();
    const held = gate();
    let late = '';
    const kind = new TestKind('work', async ({ journal }) => {
      running.resolve();
      await held.promise;
      const step = journal.step(
        'late',
        () => null,
        async () => null,
      );
      late = await step.then(
        () => 'written',
        ({ reason }) => reason,
      );
    });
    const name = await fixture.ask('work', 'cube', 'a');
    await using _ = fixture.scheduler([kind]);
    await running.promise;
    await fixture.cancel(name);
    const cancelled = async () => {
      await fixture.clock.advance(500);
      return fixture.state(name);
    };
    await expect.poll(cancelled, patience).toBe('CANCELLED');
    held.resolve();
    await expect.poll(() => late, patience).toBe('OPERATION_GIVEN_UP');
  });
});

describe('the end of a term', () => {
  test('leaves work to the next one, which goes on from its journal', async () => {
    await using fixture = await SchedulerFixture.open();
    const taken: string[] = [];
    const running = gate();
    const work = (last: (context: OperationContext) => Promise<void>) =>
      new TestKind('work', async (context) => {
        const first = await context.journal.step(
          'first',
          () => 7n,
          async (decision) => {
            taken.push('first');
            return { decision };
          },
        );
        expect(first).toEqual({ decision: 7n });
        await last(context);
      });
    const name = await fixture.ask('work', 'cube', 'a');
    const stuck = work(async ({ signal }) => {
      running.resolve();
      await new Promise((_, reject) =>
        signal.addEventListener('abort', () => reject(signal.reason)),
      );
    });
    {
      await using _ = fixture.scheduler([stuck]);
      await running.promise;
    }
    expect(await fixture.state(name)).toBe('RUNNING');
    expect(stuck.cleaned).toEqual([]);
    const { attempt } = await fixture.clients.operationRecords.getOperationRecord({ name });
    expect(attempt).toBe(0); // A stop in good order is no failed start.
    await using _ = fixture.scheduler([work(async () => void taken.push('second'))]);
    await expect.poll(() => fixture.state(name), patience).toBe('SUCCEEDED');
    expect(taken).toEqual(['first', 'second']);
  });

  test('an operation that takes its scheduler down each time is not started for ever', async () => {
    await using fixture = await SchedulerFixture.open();
    const name = await fixture.ask('work', 'cube', 'a');
    await fixture.clients.operationRecords.updateOperationRecord({
      operationRecord: { name, attempt: 10 },
      updateMask: ['attempt'],
    });
    let ran = false;
    await using _ = fixture.scheduler([
      new TestKind('work', async () => {
        ran = true;
      }),
    ]);
    await expect.poll(() => fixture.state(name), patience).toBe('FAILED');
    expect(ran).toBe(false);
  });

  test('only one of two schedulers acts', async () => {
    await using fixture = await SchedulerFixture.open();
    const runs: number[] = [];
    const kind = (id: number) => new TestKind('work', async () => void runs.push(id));
    await using _ = fixture.scheduler([kind(1)]);
    await using __ = fixture.scheduler([kind(2)]);
    const names = await Promise.all(['a', 'b', 'c'].map((id) => fixture.ask('work', id, id)));
    for (const name of names) {
      await expect.poll(() => fixture.state(name), patience).toBe('SUCCEEDED');
    }
    expect(new Set(runs).size).toBe(1);
    expect(runs).toHaveLength(3);
  });
});
