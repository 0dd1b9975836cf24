import { Code, TesseraError } from '@tessera/base';
import type { ScriptPosition } from './sql/statements.ts';

/** A size, fraction or range that means nothing by itself. */
export function memoryInvalid(key: string, problem: string): TesseraError {
  return new TesseraError({
    code: Code.INVALID_ARGUMENT,
    reason: 'FLINK_MEMORY_INVALID',
    message: `${key} ${problem}.`,
    metadata: { key },
  });
}

/** The parts that are given or have defaults are more than the whole. */
export function memoryTooSmall(
  whole: string,
  wholeBytes: number,
  parts: Readonly<Record<string, number>>,
): TesseraError {
  const needed = Object.values(parts).reduce((sum, bytes) => sum + bytes, 0);
  const list = Object.entries(parts).map(([key, bytes]) => `${key} ${mebibytes(bytes)}`);
  return new TesseraError({
    code: Code.INVALID_ARGUMENT,
    reason: 'FLINK_MEMORY_TOO_SMALL',
    message: `${whole} is ${mebibytes(wholeBytes)}, but its parts need ${mebibytes(needed)}: ${list.join(', ')}. Give it at least ${mebibytes(needed)}, or make one of these smaller.`,
    metadata: { key: whole, bytes: String(wholeBytes), neededBytes: String(needed) },
  });
}

/** What is left for the network once everything else has its size is not what the network may have. */
export function networkMemoryOutOfRange(
  bytes: number,
  { min, max }: { readonly min: number; readonly max: number },
): TesseraError {
  return new TesseraError({
    code: Code.INVALID_ARGUMENT,
    reason: 'FLINK_NETWORK_MEMORY_OUT_OF_RANGE',
    message: `With the task heap given, ${mebibytes(bytes)} are left for the network, which may have ${mebibytes(min)} to ${mebibytes(max)}. Change the task heap, the managed memory or the whole.`,
    metadata: { bytes: String(bytes), minBytes: String(min), maxBytes: String(max) },
  });
}

/** A key that is computed must not be given as well: one of the two would be ignored. */
export function configurationReserved(keys: readonly string[]): TesseraError {
  return new TesseraError({
    code: Code.INVALID_ARGUMENT,
    reason: 'FLINK_CONFIGURATION_RESERVED',
    message: `${keys.join(', ')} ${keys.length === 1 ? 'is' : 'are'} computed from the sizes and the placement; set those instead.`,
    metadata: { keys: keys.join(',') },
  });
}

/** No host can hold even the smallest TaskManager. */
export function hostsTooSmall(memoryBytes: number, neededBytes: number): TesseraError {
  return new TesseraError({
    code: Code.FAILED_PRECONDITION,
    reason: 'FLINK_HOSTS_TOO_SMALL',
    message: `The smallest host has ${mebibytes(memoryBytes)} for Flink, a TaskManager needs ${mebibytes(neededBytes)} at least. Select larger hosts, or give a size.`,
    metadata: { memoryBytes: String(memoryBytes), neededBytes: String(neededBytes) },
  });
}

/** Nothing would run. */
export function sqlWithoutJob(): TesseraError {
  return new TesseraError({
    code: Code.INVALID_ARGUMENT,
    reason: 'FLINK_SQL_WITHOUT_JOB',
    message:
      'No statement of the script starts a job: end it with an INSERT, or with a statement set of several.',
  });
}

/** Several jobs would run of which each has its own state, and only one can be watched, stopped and gone on with. */
export function sqlSeveralJobs(at: ScriptPosition): TesseraError {
  return new TesseraError({
    code: Code.INVALID_ARGUMENT,
    reason: 'FLINK_SQL_SEVERAL_JOBS',
    message: `The statement at ${placeOf(at)} starts a second job. Put what belongs together between EXECUTE STATEMENT SET BEGIN and END; and make another FlinkJob of what does not.`,
    metadata: metadataOf(at),
  });
}

/** A statement that a job's script may not have, or not there: after the job was started, what is prepared is for nothing. */
export function sqlStatementUnfit(at: ScriptPosition, begins: string): TesseraError {
  return new TesseraError({
    code: Code.INVALID_ARGUMENT,
    reason: 'FLINK_SQL_STATEMENT_UNFIT',
    message: `${begins} … at ${placeOf(at)} has no place there: a job's script has SET, CREATE, DROP, ALTER, USE, LOAD, UNLOAD, ADD JAR and the like, and ends with one INSERT, statement set or EXECUTE PLAN.`,
    metadata: { ...metadataOf(at), begins },
  });
}

/** Between BEGIN STATEMENT SET and END there are only statements that insert; both are there, once. */
export function sqlSetInvalid(at: ScriptPosition): TesseraError {
  return new TesseraError({
    code: Code.INVALID_ARGUMENT,
    reason: 'FLINK_SQL_SET_INVALID',
    message: `The statement set is not whole at ${placeOf(at)}: between BEGIN STATEMENT SET and its END there are INSERTs alone.`,
    metadata: metadataOf(at),
  });
}

/** The job's specification says it: a script that said something else would be one of two. */
export function sqlKeyReserved(at: ScriptPosition, key: string): TesseraError {
  return new TesseraError({
    code: Code.INVALID_ARGUMENT,
    reason: 'FLINK_SQL_KEY_RESERVED',
    message: `SET '${key}' at ${placeOf(at)} is not for a script: it follows from the specification of the job or of its cluster. Leave it out, and say it there.`,
    metadata: { ...metadataOf(at), key },
  });
}

function placeOf({ line, column }: ScriptPosition): string {
  return `line ${line}, column ${column}`;
}

function metadataOf({ line, column }: ScriptPosition): Readonly<Record<string, string>> {
  return { line: String(line), column: String(column) };
}

function mebibytes(bytes: number): string {
  return bytes >= Number.MAX_SAFE_INTEGER ? 'any' : `${(bytes / 2 ** 20).toFixed(1)} MiB`;
}
