import type { Clock } from '@tessera/base';
import type { DaemonKind } from '@tessera/testkit/cluster';
import { type ClusterClients, hostsOf } from '@tessera/testkit/cluster';
import { failureName } from './failures.ts';
import type { Questions } from './questions.ts';
import { untilWell } from './until-well.ts';
import type { WriteLoad } from './write-load.ts';

export interface RecoveryParts {
  readonly users: readonly { readonly questions: Questions; readonly clients: ClusterClients }[];
  readonly writes: WriteLoad;
  /** What is asked to see whether there is an answer. */
  readonly probes: Iterator<string>;
  readonly clock: Clock;
}

/** Tells when users are served again, by each daemon that they may turn to. */
export class Recovery {
  readonly #parts: RecoveryParts;

  constructor(parts: RecoveryParts) {
    this.#parts = parts;
  }

  /** @returns what was still not served when the time was over, and answers that were wrong */
  async untilServed(deadline: AbortSignal): Promise<readonly string[]> {
    const { users, writes } = this.#parts;
    const each = (kind: DaemonKind, serve: (n: number) => Promise<readonly string[]>) =>
      hostsOf[kind].map((_, n) => serve(n));
    const all = await Promise.all([
      ...users.flatMap((user) => each('query', (n) => this.untilAnswered(user, n, deadline))),
      ...each('metadata', async (n) => {
        const write = () => writes.write(n).then(() => []);
        const found = await this.#untilWell(write, deadline);
        return found.map((why) => `a write by metadata daemon ${n} ${why}`);
      }),
    ]);
    return all.flat();
  }

  /** By the n-th query daemon. */
  async untilAnswered(
    { questions, clients }: RecoveryParts['users'][number],
    n: number,
    deadline: AbortSignal,
  ): Promise<readonly string[]> {
    const sql = this.#parts.probes.next().value as string;
    const wrong: string[] = [];
    const ask = async () => {
      const verdict = await questions.ask(clients.nth('query', n).queries, sql);
      if (verdict.kind === 'wrong') wrong.push(`${sql}\n  ${verdict.why}`);
      return verdict.kind === 'failed'
        ? [`${sql}\n  still fails: ${failureName(verdict.error)}`]
        : [];
    };
    const failing = await this.#untilWell(ask, deadline);
    return [...wrong, ...failing];
  }

  #untilWell(find: () => Promise<readonly string[]>, deadline: AbortSignal) {
    return untilWell(find, { deadline, clock: this.#parts.clock });
  }
}
