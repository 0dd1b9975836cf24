import { type Clock, seededRandom } from '@tessera/base';
import type { ClusterClients } from '@tessera/testkit/cluster';
import fc from 'fast-check';
import { partsFor } from '../differential/query-parts.ts';
import type { RandomModel } from '../differential/random-model.ts';
import { randomBlock, randomQuery } from '../differential/random-query.ts';
import { FailureCounts } from './failures.ts';
import { kindsOf, type QuestionKind } from './question-kinds.ts';
import type { Questions } from './questions.ts';

/**
 * Statements without end, the same for the same seed: some of any kind, as many that cuboids can mostly answer, and
 * some of kinds that are rare otherwise.
 */
export function* statements(model: RandomModel['model'], seed: number): Generator<string, never> {
  const parts = partsFor(model);
  const any = randomQuery(parts);
  const of = (kind: QuestionKind) => any.filter((sql) => kindsOf(sql).includes(kind));
  const arbitrary = fc.oneof(
    { weight: 4, arbitrary: any },
    { weight: 4, arbitrary: randomBlock(parts) },
    { weight: 1, arbitrary: of('distinct count') },
    { weight: 1, arbitrary: of('top k') },
  );
  for (let from = seed; ; from++) {
    yield* fc.sample(arbitrary, { seed: from, numRuns: 50 });
  }
}

/** So that questions leave some of a small machine to what they are asked of. */
const pauseMs = 100;
const maxWrong = 5;

/** Users who ask one question after the other, of either query daemon. */
export class QueryLoad {
  readonly failures = new FailureCounts();
  /** Answers that were not right, with their questions. */
  readonly wrong: string[] = [];
  right = 0;
  readonly #parts: {
    readonly questions: Questions;
    readonly clients: ClusterClients;
    readonly clock: Clock;
    readonly model: RandomModel['model'];
  };

  constructor(parts: {
    readonly questions: Questions;
    readonly clients: ClusterClients;
    readonly clock: Clock;
    readonly model: RandomModel['model'];
  }) {
    this.#parts = parts;
  }

  /** One user, until stopped. */
  async run(seed: number, stop: AbortSignal): Promise<void> {
    const { questions, clients, clock, model } = this.#parts;
    const random = seededRandom(seed);
    for (const sql of statements(model, seed)) {
      if (stop.aborted || this.wrong.length >= maxWrong) return;
      const daemon = random.integer(0, 1);
      const verdict = await questions.ask(clients.nth('query', daemon).queries, sql);
      if (verdict.kind === 'right') this.right++;
      else if (verdict.kind === 'failed') this.failures.add(verdict.error);
      else this.wrong.push(`${sql}\n  ${verdict.why}`);
      await clock.sleep(pauseMs, stop).catch(() => {});
    }
  }
}
