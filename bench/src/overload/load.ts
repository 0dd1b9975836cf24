import { isTesseraError } from '@tessera/base';
import { type Connection, connect, query } from '@tessera/client';
import { heavyStatement, smallStatement } from './sales.ts';

export interface LoadRequest {
  readonly address: string;
  /** Callers who ask one statement after the other, each on a connection of his own. */
  readonly small: number;
  readonly heavy: number;
  readonly seconds: number;
  /** A small answer that comes later is of no use. */
  readonly smallTimeoutMs: number;
  /** What callers of small statements ask; absent: what cuboids answer. */
  readonly smallSql?: (random: number) => string;
}

export interface LoadFigures {
  readonly small: number;
  readonly heavy: number;
  readonly smallMs: readonly number[];
  readonly smallPerSecond: number;
  readonly heavyPerSecond: number;
  /** Calls that failed, by reason. */
  readonly refused: Readonly<Record<string, number>>;
}

/** Keeps the callers asking for the time, and counts what is answered in it. */
export async function load(request: LoadRequest): Promise<LoadFigures> {
  const { address, small, heavy, seconds, smallTimeoutMs, smallSql = smallStatement } = request;
  using stack = new DisposableStack();
  const clients = await Promise.all(
    Array.from({ length: small + heavy }, async () => {
      const client = stack.use(connect(address));
      await query(client.queries, smallSql(Math.random())); // The connection is there.
      return client;
    }),
  );
  const endMs = performance.now() + seconds * 1_000;
  const smallMs: number[] = [];
  const refused: Record<string, number> = {};
  let heavyCount = 0;
  const caller = async (
    client: Connection,
    sql: () => string,
    timeoutMs: number,
    answered: (ms: number) => void,
  ) => {
    while (performance.now() < endMs) {
      const startedMs = performance.now();
      try {
        await query(client.queries, sql(), { timeoutMs });
        if (performance.now() < endMs) answered(performance.now() - startedMs);
      } catch (error) {
        const reason = isTesseraError(error) ? error.reason : String(error);
        refused[reason] = (refused[reason] ?? 0) + 1;
      }
    }
  };
  const countHeavy = () => {
    heavyCount++;
  };
  const anySmall = () => smallSql(Math.random());
  await Promise.all(
    clients.map((client, i) =>
      i < small
        ? caller(client, anySmall, smallTimeoutMs, (ms) => smallMs.push(ms))
        : caller(client, () => heavyStatement, 60_000, countHeavy),
    ),
  );
  return {
    ...{ small, heavy, smallMs, refused },
    smallPerSecond: smallMs.length / seconds,
    heavyPerSecond: heavyCount / seconds,
  };
}
