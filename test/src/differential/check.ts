import type { PlanKind } from '@tessera/client';
import { difference } from './compare-answers.ts';
import type { Oracle, Outcome, World } from './world.ts';

/** What was asked, and where the answers came from. */
export class Tally {
  queries = 0;
  refused = 0;
  readonly kinds: Record<PlanKind, number> = { cuboid: 0, mixed: 0, source: 0, constant: 0 };
  comparedWithSource = 0;
  rows = 0;

  /** Share of the answered queries that cuboids took part in. */
  get share(): number {
    const { cuboid, mixed, source, constant } = this.kinds;
    return (cuboid + mixed) / Math.max(1, cuboid + mixed + source + constant);
  }

  toString(): string {
    const { kinds, queries, refused, comparedWithSource, rows } = this;
    return `${queries} queries, ${rows} rows: ${kinds.cuboid} from cuboids, ${kinds.mixed} mixed, ${kinds.source + kinds.constant} from the source, ${refused} refused both ways; ${comparedWithSource} also asked of the source`;
  }
}

/** Every so many queries are also asked of the source, which costs more. */
const sourceEvery = 10;

/** Asks through cuboids and compares with DuckDB on the raw tables. @returns what is wrong, in words */
export async function wrongAnswer(
  world: World,
  oracle: Oracle,
  sql: string,
  tally: Tally,
  { alsoSource = false } = {},
): Promise<string | undefined> {
  tally.queries += 1;
  const [wanted, answer] = [await oracle.ask(world.name, sql), await world.ask(sql, 'auto')];
  if ('planKind' in answer && answer.planKind !== undefined) tally.kinds[answer.planKind] += 1;
  if ('reason' in answer && 'reason' in wanted) tally.refused += 1;
  if ('rows' in answer) tally.rows += answer.rows.length;
  const wrong = compared(sql, answer, wanted);
  if (wrong !== undefined)
    return `through cuboids (${'planKind' in answer ? answer.planKind : 'failed'}): ${wrong}`;
  if (tally.queries % sourceEvery !== 0 && !alsoSource) return undefined;
  tally.comparedWithSource += 1;
  const fromSource = compared(sql, await world.ask(sql, 'never'), wanted);
  return fromSource && `on the source: ${fromSource}`;
}

/** What is wrong with an answer where another one is known to be right, in words. */
export function compared(sql: string, answer: Outcome, wanted: Outcome): string | undefined {
  if ('reason' in wanted) {
    return 'reason' in answer && answer.reason === wanted.reason
      ? undefined
      : `${'reason' in answer ? `fails with ${answer.reason}` : `${answer.rows.length} rows`} where DuckDB fails with ${wanted.reason}: ${wanted.message}`;
  }
  if ('reason' in answer) return `fails with ${answer.reason}: ${answer.message}`;
  const names = (outcome: typeof answer) =>
    JSON.stringify(outcome.schema.map(({ name, type }) => [name, type]));
  if (names(answer) !== names(wanted)) return `columns ${names(answer)} and not ${names(wanted)}`;
  const ordered = / limit \d+ offset \d+$/.test(sql);
  return difference(
    wanted.schema.map(({ type }) => type),
    answer.rows,
    wanted.rows,
    ordered,
  );
}
