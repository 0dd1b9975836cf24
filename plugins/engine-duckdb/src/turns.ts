import type { DataType } from '@tessera/columnar';
import type { BuildPlan } from '@tessera/cube';
import { quoteName } from '@tessera/duckdb';
import type { Encodings } from './encoding.ts';
import { anySegmentSql, segmentSql } from './segment-sql.ts';
import type { Session } from './session.ts';

/**
 * Segments that are built together: the flat relation has the rows of just these. What memory does not hold at once is
 * read in turns, because reading a columnar source again costs less than writing the flat relation to a file.
 */
export interface Turn {
  readonly segments: BuildPlan['segments'];
  /** Fact rows of the segments, when counting them was cheap. */
  readonly factRows?: bigint;
}

export interface Turns {
  readonly turns: readonly Turn[];
  /** Whether the flat relation of some turn is too large for memory. */
  readonly inFile: boolean;
}

/** Beyond this a file is cheaper than another look at the source. */
const maxTurns = 4;
/** What the flat relation may take; groups, sorting and writing need the rest. */
const flatShare = 0.6;

/** How the segments are divided, from the rows of each in the fact, in order. Those of a dictionary stay together. */
export function divideIntoTurns(
  plan: Pick<BuildPlan, 'segments' | 'flat' | 'dictionaries'>,
  factRows: readonly bigint[],
  encodings: Encodings,
  memoryLimitBytes: number,
): Turns {
  const budgetRows = (memoryLimitBytes * flatShare) / flatRowBytes(plan, encodings);
  const turns: { segments: BuildPlan['segments'][number][]; factRows: bigint }[] = [];
  for (const [i, segment] of plan.segments.entries()) {
    const last = turns.at(-1);
    const rows = factRows[i]!;
    if (last !== undefined && Number(last.factRows + rows) <= budgetRows) {
      last.segments.push(segment);
      last.factRows += rows;
    } else {
      turns.push({ segments: [segment], factRows: rows });
    }
  }
  const most = plan.dictionaries.length > 0 ? 1 : maxTurns;
  const fits = turns.every((turn) => Number(turn.factRows) <= budgetRows);
  if (fits && turns.length <= most) return { turns, inFile: false };
  const all = factRows.reduce((sum, rows) => sum + rows, 0n);
  return { turns: [{ segments: plan.segments, factRows: all }], inFile: true };
}

/** Rows of each segment of the plan in the fact. */
export async function countFactRows(
  session: Session,
  plan: BuildPlan,
  factRelation: string,
): Promise<bigint[]> {
  const { segments } = plan;
  const condition = anySegmentSql(segments);
  const rows = await session.rows(
    `SELECT ${segmentSql(segments)} AS segment, count(*) AS row_count
     FROM ${factRelation} AS ${quoteName(plan.inputs[0]!.alias)}${condition === undefined ? '' : ` WHERE ${condition}`} GROUP BY 1`,
  );
  const counts = new Map(rows.map((row) => [Number(row['segment']), row['row_count'] as bigint]));
  return segments.map((_, ordinal) => counts.get(ordinal) ?? 0n);
}

/** Bytes of a row of the flat relation in memory, where DuckDB keeps it as it is. */
function flatRowBytes({ flat }: Pick<BuildPlan, 'flat'>, encodings: Encodings): number {
  const segmentAndMissing = 2;
  return flat.reduce((sum, { name, type }) => {
    const values = encodings.get(name)?.valueCount;
    return sum + (values === undefined ? valueBytes(type) : codeBytes(values));
  }, segmentAndMissing);
}

function codeBytes(values: number): number {
  if (values < 256) return 1;
  return values < 65_536 ? 2 : 4;
}

/** A long text is guessed: DuckDB keeps 16 bytes in the row and what is longer than 12 beside it. */
const textBytes = 32;

function valueBytes(type: DataType): number {
  switch (type.kind) {
    case 'boolean':
      return 1;
    case 'smallint':
      return 2;
    case 'integer':
    case 'date':
    case 'real':
      return 4;
    case 'bigint':
    case 'double':
    case 'time':
    case 'timestamp':
    case 'timestamptz':
      return 8;
    case 'numeric':
      return (type.precision ?? 38) <= 18 ? 8 : 16;
    default:
      return textBytes;
  }
}
