import {
  sqlKeyReserved,
  sqlSetInvalid,
  sqlSeveralJobs,
  sqlStatementUnfit,
  sqlWithoutJob,
} from '../errors.ts';
import { reservedJobKeys } from '../launch/configuration.ts';
import { type SqlStatement, sqlStatements } from './statements.ts';

/**
 * The statements of a script that is a job's: some that prepare, and at its end what starts the one job. A job is stopped, and goes on from its state, as a whole; so there is one for each script, and what belongs together is
 * a statement set, written in either way. Whether statements plan is for Flink to say.
 * @throws TesseraError FLINK_SQL_WITHOUT_JOB, FLINK_SQL_SEVERAL_JOBS, FLINK_SQL_STATEMENT_UNFIT, FLINK_SQL_SET_INVALID, FLINK_SQL_KEY_RESERVED, with where it is in the script
 */
export function jobScript(script: string): readonly SqlStatement[] {
  const statements = sqlStatements(script);
  let phase: Phase = 'preparing';
  for (const statement of statements) {
    const kind = kindOf(statement);
    if (kind === 'unfit') throw sqlStatementUnfit(statement, wordsOf(statement));
    if (kind === 'set key') checkKey(statement);
    if (phase === 'started') throw afterJob(statement, kind);
    const next: Phase | undefined = transitions[phase][kind];
    if (next === undefined) throw sqlSetInvalid(statement);
    phase = next;
  }
  if (phase === 'preparing') throw sqlWithoutJob();
  if (phase === 'in a set') throw sqlSetInvalid(statements.at(-1)!);
  return statements;
}

type Phase = 'preparing' | 'in a set' | 'started';
type Kind = 'preparation' | 'set key' | 'job' | 'begin set' | 'end set' | 'unfit';

/** Absent: it is in its wrong place. Statements of a set that is begun by itself start nothing before its end. */
const transitions: Readonly<
  Record<Exclude<Phase, 'started'>, Readonly<Partial<Record<Kind, Phase>>>>
> = {
  preparing: {
    preparation: 'preparing',
    'set key': 'preparing',
    job: 'started',
    'begin set': 'in a set',
  },
  'in a set': { job: 'in a set', 'end set': 'started' },
};

/** By how they begin, the longer ones first. What is not here runs a job of its own, ends others, or is no statement at all. */
const kinds: readonly (readonly [RegExp, Kind])[] = [
  [/^BEGIN STATEMENT SET$/, 'begin set'],
  [/^END$/, 'end set'],
  [/^(INSERT|UPDATE|DELETE) /, 'job'],
  [/^EXECUTE (STATEMENT SET|INSERT|PLAN) /, 'job'],
  [/^COMPILE AND EXECUTE PLAN /, 'job'],
  [/^SET ./, 'set key'],
  [/^(CREATE|ALTER|DROP) (OR \w+ )?MATERIALIZED /, 'unfit'],
  [
    /^(CREATE|DROP|ALTER|USE|LOAD|UNLOAD|ADD JAR|REMOVE JAR|SHOW|DESCRIBE|DESC|EXPLAIN|COMPILE PLAN) /,
    'preparation',
  ],
  [/^SET$/, 'preparation'],
];

function kindOf({ code }: SqlStatement): Kind {
  const words = code.replaceAll(/\s+/g, ' ').toUpperCase();
  const kind = kinds.find(([start]) => start.test(words))?.[1] ?? 'unfit';
  return kind === 'preparation' && isFilledTable(words) ? 'job' : kind;
}

/** `CREATE TABLE … AS SELECT …`: its AS stands outside of all parentheses, other than that of a computed column. */
function isFilledTable(words: string): boolean {
  if (!/^(CREATE|REPLACE) (OR REPLACE )?(TEMPORARY )?TABLE /.test(words)) return false;
  let depth = 0;
  for (const [token] of words.matchAll(/'[^']*'|`[^`]*`|[()]|\bAS\b/g)) {
    if (token === '(') depth += 1;
    else if (token === ')') depth -= 1;
    else if (token === 'AS' && depth === 0) return true;
  }
  return false;
}

/** How a statement begins, for people. */
function wordsOf({ code }: SqlStatement): string {
  return code.split(/\s+/).slice(0, 2).join(' ').slice(0, 40);
}

function afterJob(statement: SqlStatement, kind: Kind) {
  return kind === 'preparation' || kind === 'set key'
    ? sqlStatementUnfit(statement, wordsOf(statement))
    : sqlSeveralJobs(statement);
}

/** What a session is told by the job's spec. */
const ofSession = [
  'execution.attached',
  'execution.target',
  'parallelism.default',
  'table.dml-sync',
];

function checkKey(statement: SqlStatement): void {
  const key = /^SET\s+'?([^'\s=]+)/i.exec(statement.code)?.[1] ?? '';
  const isReserved =
    ofSession.includes(key) || key.startsWith('rest.') || reservedJobKeys([key]).length > 0;
  if (isReserved) throw sqlKeyReserved(statement, key);
}
