import { metadata } from '@tessera/proto';
import { describe, expect, test } from 'vitest';
import { actingClients } from '../leader/acting-clients.ts';
import type { Leadership } from '../leader/leadership.ts';
import type { Term } from '../leader/term.ts';
import { Journal } from './journal.ts';
import { SchedulerFixture } from './scheduler-fixture.ts';

/** Runs `work` while this leadership holds. */
async function during(leadership: Leadership, work: (term: Term) => Promise<void>): Promise<void> {
  const over = new AbortController();
  let failed: unknown;
  const serve = async (term: Term) => {
    await work(term).catch((error) => {
      failed = error;
    });
    over.abort();
  };
  await leadership.run(serve, over.signal);
  if (failed !== undefined) throw failed;
}

async function open(fixture: SchedulerFixture, term: Term, operation: string) {
  return Journal.open(actingClients(fixture.clients, term).operationRecords, operation);
}

describe('a journal', () => {
  test('takes a step once; later it gives what came of it', async () => {
    await using fixture = await SchedulerFixture.open();
    const name = await fixture.ask('work', 'cube', 'a');
    const leadership = fixture.leadership();
    await during(leadership, async (term) => {
      let taken = 0;
      for (let life = 0; life < 3; life++) {
        const journal = await open(fixture, term, name);
        const outcome = await journal.step(
          'count',
          () => 'decided',
          async (decision) => ({ decision, taken: BigInt(++taken) }),
        );
        expect(outcome).toEqual({ decision: 'decided', taken: 1n });
        expect(journal.steps).toEqual(['count']);
        expect(journal.isDone('count')).toBe(true);
      }
    });
  });

  test('takes a step that failed once more, with what was decided then', async () => {
    await using fixture = await SchedulerFixture.open();
    const name = await fixture.ask('work', 'cube', 'a');
    const leadership = fixture.leadership();
    await during(leadership, async (term) => {
      const first = await open(fixture, term, name);
      const fails = async () => {
        throw new Error('not now');
      };
      await expect(first.step('one', () => 'first', fails)).rejects.toThrow('not now');
      expect(first.isDone('one')).toBe(false);
      const second = await open(fixture, term, name);
      const outcome = await second.step(
        'one',
        () => 'second',
        async (decision) => decision,
      );
      expect(outcome).toBe('first');
      const { journalEntries } = await fixture.clients.operationRecords.listJournalEntries({
        parent: name,
      });
      expect(journalEntries).toHaveLength(1);
      expect(journalEntries[0]).toMatchObject({
        attempt: 2,
        state: metadata.JournalState.JOURNAL_STATE_DONE,
      });
    });
  });

  test('finishes a step that was begun, and none that was not', async () => {
    await using fixture = await SchedulerFixture.open();
    const name = await fixture.ask('work', 'cube', 'a');
    const leadership = fixture.leadership();
    await during(leadership, async (term) => {
      const journal = await open(fixture, term, name);
      const fails = async () => {
        throw new Error('not now');
      };
      await expect(journal.step('begun', () => null, fails)).rejects.toThrow();
      await journal.finish('begun', 5);
      await journal.finish('other', 6);
      expect(journal.steps).toEqual(['begun']);
      const again = await open(fixture, term, name);
      expect(await again.step('begun', () => null, fails)).toBe(5);
    });
  });

  test('writes nothing for a scheduler that no longer leads', async () => {
    await using fixture = await SchedulerFixture.open();
    const name = await fixture.ask('work', 'cube', 'a');
    const leadership = fixture.leadership();
    let journal: Journal | undefined;
    await during(leadership, async (term) => {
      journal = await open(fixture, term, name);
    });
    const step = journal!.step(
      'late',
      () => null,
      async () => null,
    );
    await expect(step).rejects.toMatchObject({ reason: 'NOT_LEADER' });
  });
});
