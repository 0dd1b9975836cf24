import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { Code, messageOf, TesseraError } from '@tessera/base';
import {
  decodeLog,
  decodeRecord,
  encodeLog,
  encodeRecord,
  scalingDecisionInvalid,
} from '@tessera/daemon';
import {
  type DecisionHistory,
  type DecisionRecord,
  isEventful,
  withDecision,
} from '@tessera/scaling';

/** Larger ones are none that Tessera has written. */
const mostBytes = 256_000_000;

/** Decisions of a file, oldest first; at least one. @throws FILE_UNREADABLE, SCALING_DECISION_INVALID */
export function readDecisions(file: string): readonly DecisionRecord[] {
  const records = decodeLog(readBytes(file));
  if (records.length === 0) throw scalingDecisionInvalid(`${file} has no decision in it`);
  return records;
}

function readBytes(file: string): Uint8Array {
  try {
    if (statSync(file).size <= mostBytes) return readFileSync(file);
  } catch (cause) {
    throw new TesseraError({
      code: Code.INVALID_ARGUMENT,
      reason: 'FILE_UNREADABLE',
      message: `${file} cannot be read: ${messageOf(cause)}.`,
      metadata: { file },
      cause,
    });
  }
  throw scalingDecisionInvalid(`${file} has more than ${mostBytes / 1e6} MB`);
}

/** Gathers the decisions of a run, those that are worth keeping, and writes them to a file. */
export class DecisionFile {
  #history: DecisionHistory = [];

  add(record: DecisionRecord): void {
    const decision = {
      timeMs: record.input.nowMs,
      eventful: isEventful(record),
      bytes: encodeRecord(record),
    };
    this.#history = withDecision(this.#history, decision);
  }

  /** Returns how many there are. */
  write(file: string): number {
    writeFileSync(file, encodeLog(this.#history.map(({ bytes }) => decodeRecord(bytes))));
    return this.#history.length;
  }
}
