import { type Clock, isTesseraError } from '@tessera/base';
import { query, type TesseraClient } from '@tessera/client';
import { compared } from '../differential/check.ts';
import type { Oracle, Outcome } from '../differential/world.ts';
import type { DataVersions } from './data-versions.ts';
import { answerWithin, isRetryable } from './failures.ts';
import { kindsOf, type QuestionKind, type QuestionTally } from './question-kinds.ts';

/** What became of one question. */
export type Verdict =
  | { readonly kind: 'right' }
  | { readonly kind: 'failed'; readonly error: unknown }
  | { readonly kind: 'wrong'; readonly why: string };

/** For so long a query daemon may take a version of a source's table as known. */
const freshnessMs = 1_000;
/** What the daemon, and then the client, gives a question. */
const limitsMs = { daemon: 5_000, client: 15_000 } as const;

/** Asks a cluster and tells from the oracle whether it was answered rightly. */
export class Questions {
  readonly #project: string;
  readonly #oracle: Oracle;
  readonly #versions: DataVersions;
  readonly #tally: QuestionTally;
  readonly #clock: Clock;
  readonly #viewOf: (schema: string) => string;
  readonly #ofUser: readonly QuestionKind[];

  constructor(parts: {
    readonly project: string;
    readonly oracle: Oracle;
    readonly versions: DataVersions;
    readonly tally: QuestionTally;
    readonly clock: Clock;
    /** Where the oracle has what the user sees of a version; by default all of it. */
    readonly viewOf?: (schema: string) => string;
    /** What all questions of the user are, whatever they ask. */
    readonly ofUser?: readonly QuestionKind[];
  }) {
    this.#project = parts.project;
    this.#oracle = parts.oracle;
    this.#versions = parts.versions;
    this.#tally = parts.tally;
    this.#clock = parts.clock;
    this.#viewOf = parts.viewOf ?? ((schema) => schema);
    this.#ofUser = parts.ofUser ?? [];
  }

  /** Right is what the oracle answers on one version of the data that was there while the question was answered. */
  async ask(queries: TesseraClient['queries'], sql: string): Promise<Verdict> {
    const startedMs = this.#clock.monotonicMs();
    let answer: Outcome;
    try {
      answer = await this.#answer(queries, sql);
    } catch (error) {
      return isRetryable(error)
        ? { kind: 'failed', error }
        : { kind: 'wrong', why: `fails in a way that is not retryable: ${error}` };
    }
    const endedMs = this.#clock.monotonicMs();
    let why = 'no data were there';
    for (const schema of this.#versions.within(startedMs - freshnessMs, endedMs)) {
      const wrong = compared(sql, answer, await this.#oracle.ask(this.#viewOf(schema), sql));
      if (wrong === undefined) return { kind: 'right' };
      why = `on ${schema} ${wrong}`;
    }
    const plan = 'planKind' in answer ? answer.planKind : 'failed';
    return { kind: 'wrong', why: `(${plan}) ${why}` };
  }

  /** @throws what may be retried, and what no question should fail with */
  async #answer(queries: TesseraClient['queries'], sql: string): Promise<Outcome> {
    const options = { project: `projects/${this.#project}`, timeoutMs: limitsMs.daemon };
    const kinds = [...this.#ofUser, ...kindsOf(sql)];
    this.#tally.asked(kinds);
    try {
      const { schema, rows, summary } = await answerWithin(limitsMs.client, (signal) =>
        query(queries, sql, { ...options, signal }),
      );
      this.#tally.answered(kinds, summary.planKind);
      return { schema, rows, planKind: summary.planKind };
    } catch (error) {
      if (!isTesseraError(error) || isRetryable(error)) throw error;
      return { reason: error.reason, message: error.message };
    }
  }
}
