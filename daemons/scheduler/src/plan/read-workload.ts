import { isTesseraError } from '@tessera/base';
import {
  type PlanQuery,
  questionsOfModel,
  type WorkloadContext,
  WorkloadReader,
} from '@tessera/cube';
import { externalCatalog } from '@tessera/daemon';
import type { scheduler } from '@tessera/proto';
import { bind, parse } from '@tessera/sql';
import type { ObservedCube } from '../build/observe.ts';
import type { SchedulerClients } from '../clients.ts';

/** What is asked of a cube, and what of it no cuboid could answer. */
export interface Workload {
  readonly queries: readonly PlanQuery[];
  readonly refusals: readonly scheduler.PlanRefusal[];
}

/** What the model itself suggests has this part of the weight: what was asked is not all that will be. */
const uncertainty = 0.1;
const maxShapes = 2_000;

export interface WorkloadSources {
  readonly clients: SchedulerClients;
  readonly cube: ObservedCube;
  readonly context: WorkloadContext;
  readonly queries: readonly scheduler.WeightedQuery[];
  readonly ignoreQueryLog: boolean;
  /** Microseconds; what `now()` is in the statements. */
  readonly now: bigint;
}

/** The given statements, the query log, and beside them the questions that the model suggests. */
export async function readWorkload(sources: WorkloadSources): Promise<Workload> {
  const reader = new WorkloadReader(sources.context);
  const given = readStatements(sources, reader);
  const logged = sources.ignoreQueryLog ? [] : await readLog(sources, reader);
  const asked = [...given.queries, ...logged];
  const weight = asked.reduce((sum, query) => sum + query.weight, 0);
  const suggested = questionsOfModel(sources.cube.model, weight === 0 ? 1 : uncertainty * weight);
  return { queries: [...asked, ...suggested], refusals: given.refusals };
}

/** Statements with errors are refused like those that no cuboid answers; the others are planned for all the same. */
function readStatements({ cube, queries, now }: WorkloadSources, reader: WorkloadReader): Workload {
  const catalog = externalCatalog([...cube.sources.values()]);
  const found: PlanQuery[] = [];
  const refusals: scheduler.PlanRefusal[] = [];
  for (const { sql, weight: given } of queries) {
    const weight = given > 0 ? given : 1;
    const refuse = (code: string, reason: string) =>
      refusals.push({ query: sql, weight, reasonCode: code, reason });
    try {
      const statement = bind(parse(sql), catalog, { timeZone: 'UTC', now });
      const read = reader.statement(statement, sql, weight);
      found.push(...read.queries);
      for (const { code, message } of read.refusals) refuse(code, message);
    } catch (error) {
      if (!isTesseraError(error)) throw error;
      refuse(error.reason, error.message);
    }
  }
  return { queries: found, refusals };
}

async function readLog(
  { clients, cube }: WorkloadSources,
  reader: WorkloadReader,
): Promise<PlanQuery[]> {
  const { shapes } = await clients.queries.getQueryStatistics({
    project: `projects/${cube.project}`,
    model: cube.model.name,
    maxShapes,
  });
  return shapes.flatMap(({ sql, count, blocks }) =>
    blocks
      .filter(({ model }) => model === cube.model.name)
      .flatMap((block) => reader.logged(block, sql, Number(count))),
  );
}
