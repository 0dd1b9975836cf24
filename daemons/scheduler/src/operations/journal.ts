import { metadata } from '@tessera/proto';
import { inChildSpan } from '@tessera/telemetry';
import type { SchedulerClients } from '../clients.ts';
import { fromPlain, type Plain, toPlain } from './plain.ts';

/**
 * The journal of one operation (P7). A step is written before it is taken, with what was decided, and again when it
 * is done, with what came of it. After a crash the same operation is run again from its beginning: steps that are
 * done give their recorded outcome, and the one that had been started is taken once more with its recorded decision, so
 * every step must bear being repeated.
 */
export class Journal {
  readonly #records: SchedulerClients['operationRecords'];
  readonly #operation: string;
  readonly #entries: Map<string, metadata.JournalEntry>;

  private constructor(
    records: SchedulerClients['operationRecords'],
    operation: string,
    entries: readonly metadata.JournalEntry[],
  ) {
    this.#records = records;
    this.#operation = operation;
    this.#entries = new Map(entries.map((entry) => [entry.name, entry]));
  }

  static async open(
    records: SchedulerClients['operationRecords'],
    operation: string,
  ): Promise<Journal> {
    const entries: metadata.JournalEntry[] = [];
    for (let pageToken = ''; ; ) {
      const page = await records.listJournalEntries({
        parent: operation,
        pageSize: 1000,
        pageToken,
      });
      entries.push(...page.journalEntries);
      pageToken = page.nextPageToken;
      if (pageToken === '') return new Journal(records, operation, entries);
    }
  }

  /** Takes the step `key` unless it is done. Decision and outcome are plain values; bigints survive. */
  async step<Decision extends Plain, Outcome extends Plain>(
    key: string,
    decide: () => Promise<Decision> | Decision,
    take: (decision: Decision) => Promise<Outcome>,
  ): Promise<Outcome> {
    const name = `${this.#operation}/journal/${key}`;
    const known = this.#entries.get(name);
    if (known?.state === metadata.JournalState.JOURNAL_STATE_DONE) {
      return fromPlain(known.outcome) as Outcome;
    }
    const decision = known ? (fromPlain(known.decision) as Decision) : await decide();
    const started = await this.#write({
      ...(known ?? { name, step: key, decision: toPlain(decision) }),
      state: metadata.JournalState.JOURNAL_STATE_STARTED,
      attempt: (known?.attempt ?? 0) + 1,
    });
    const outcome = await inChildSpan(`step.${key}`, {}, () => take(decision));
    await this.#write({
      ...started,
      state: metadata.JournalState.JOURNAL_STATE_DONE,
      outcome: toPlain(outcome),
    });
    return outcome;
  }

  isDone(key: string): boolean {
    const entry = this.#entries.get(`${this.#operation}/journal/${key}`);
    return entry?.state === metadata.JournalState.JOURNAL_STATE_DONE;
  }

  /** Writes down that a step which was started came to an end, as its effect shows; one that never began stays away. */
  async finish(key: string, outcome: Plain): Promise<void> {
    const entry = this.#entries.get(`${this.#operation}/journal/${key}`);
    if (entry === undefined || this.isDone(key)) return;
    const state = metadata.JournalState.JOURNAL_STATE_DONE;
    await this.#write({ ...entry, state, outcome: toPlain(outcome) });
  }

  /** Names of the steps that were written, in order: what a retry must clean up. */
  get steps(): readonly string[] {
    return [...this.#entries.values()].map(({ step }) => step);
  }

  async #write(entry: Partial<metadata.JournalEntry>): Promise<metadata.JournalEntry> {
    const written = await this.#records.writeJournalEntry({ journalEntry: entry });
    this.#entries.set(written.name, written);
    return written;
  }
}
