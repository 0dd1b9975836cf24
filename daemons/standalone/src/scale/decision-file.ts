import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { Code, messageOf, TesseraError } from '@tessera/base';
import { scalingDecisionInvalid } from '@tessera/daemon';
import {
  type DecisionHistory,
  type DecisionRecord,
  isEventful,
  withDecision,
} from '@tessera/scaling';
import { framed, unframed } from './decision-frames.ts';
import { fileUnwritable } from './errors.ts';

/** Larger ones are none that Tessera has written. */
const mostBytes = 256_000_000;

/** Decisions of a file, oldest first; at least one. @throws FILE_UNREADABLE, SCALING_DECISION_INVALID */
export function readDecisions(file: string): readonly DecisionRecord[] {
  const records = unframed(readBytes(file));
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

/** Beside what the strategy had learned, which is most of a record. */
const restBytes = 4_000;

/** Gathers the decisions of a run, those that are worth keeping, and writes them to a file. */
export class DecisionFile {
  readonly #file: string;
  #history: DecisionHistory<DecisionRecord> = [];

  /** Makes the file, so that a run does not end in one that cannot be written. @throws FILE_UNWRITABLE */
  constructor(file: string) {
    this.#file = file;
    this.#write(new Uint8Array(0));
  }

  add(record: DecisionRecord): void {
    this.#history = withDecision(this.#history, {
      timeMs: record.input.nowMs,
      eventful: isEventful(record),
      sizeBytes: restBytes + (record.strategy.learnedBefore?.length ?? 0),
      stored: record,
    });
  }

  /** Returns how many there are. @throws FILE_UNWRITABLE */
  write(): number {
    this.#write(framed(this.#history.map(({ stored }) => stored)));
    return this.#history.length;
  }

  #write(bytes: Uint8Array): void {
    try {
      writeFileSync(this.#file, bytes);
    } catch (cause) {
      throw fileUnwritable(this.#file, cause);
    }
  }
}
