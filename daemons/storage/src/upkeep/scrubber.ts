import { type Clock, isTesseraError, messageOf } from '@tessera/base';
import type { Logger } from '@tessera/daemon';
import type { FileStore, VerifyOutcome } from '../files/file-store.ts';
import type { FoundFile } from '../files/file-system.ts';
import type { Pace } from '../transfer/paced-file.ts';
import type { ScrubMark, ScrubMemory } from './scrub-memory.ts';

/** What the scrubber has done since it began. */
export interface ScrubCounts {
  verifiedFiles: number;
  verifiedBytes: number;
  damagedFiles: number;
  /** Milliseconds since 1970; 0: no round has ended. */
  lastRoundMs: number;
}

export interface ScrubberParts {
  readonly files: FileStore;
  /** Compares files at once, and sets those aside that differ. */
  readonly verify: (files: readonly string[]) => Promise<VerifyOutcome>;
  readonly memory: ScrubMemory;
  readonly pace: Pace;
  /** From the end of one round to the beginning of the next. */
  readonly intervalMs: number;
  readonly clock: Clock;
  readonly log: Logger;
  readonly onVerified: (bytes: number) => void;
  readonly onDamaged: () => void;
}

/** How often the mark is written, and how long a round that failed rests. */
const markIntervalMs = 60_000;

/**
 * Reads all stored files again and again, slowly, and compares their digests: what nobody reads rots unseen. Whoever
 * wants to read a file meanwhile does not wait for this.
 */
export class Scrubber implements AsyncDisposable {
  readonly counts: ScrubCounts = {
    verifiedFiles: 0,
    verifiedBytes: 0,
    damagedFiles: 0,
    lastRoundMs: 0,
  };
  readonly #parts: ScrubberParts;
  readonly #stopping = new AbortController();
  readonly #running: Promise<void>;

  constructor(parts: ScrubberParts) {
    this.#parts = parts;
    this.#running = this.#run();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopping.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { memory, clock, intervalMs, log } = this.#parts;
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      try {
        const mark = await memory.read();
        this.counts.lastRoundMs = mark.lastRoundMs;
        await clock.sleep(dueInMs(mark, intervalMs, this.#nowMs()), signal);
        await this.#round(mark);
      } catch (error) {
        if (signal.aborted) return;
        log.warn({ error: messageOf(error) }, 'scrub.failed');
        await clock.sleep(markIntervalMs, signal).catch(() => {});
      }
    }
  }

  async #round(mark: ScrubMark): Promise<void> {
    const { files, memory, clock } = this.#parts;
    let markedMs = clock.monotonicMs();
    for (const file of filesAfter(await files.list(), mark.after)) {
      await this.#scrub(file);
      if (clock.monotonicMs() - markedMs < markIntervalMs) continue;
      await memory.write({ ...mark, after: file.path });
      markedMs = clock.monotonicMs();
    }
    await memory.write({ lastRoundMs: this.#nowMs() });
  }

  async #scrub({ path }: FoundFile): Promise<void> {
    const { files, verify, pace, log, onVerified, onDamaged } = this.#parts;
    const sizeBytes = await files.isWhole(path, pace, this.#stopping.signal).catch(ifGone);
    if (sizeBytes === undefined) return;
    if (sizeBytes !== false) {
      this.counts.verifiedFiles++;
      this.counts.verifiedBytes += sizeBytes;
      onVerified(sizeBytes);
      return;
    }
    // Once more at once: it may have been replaced while it was read so slowly.
    const { quarantinedFiles } = await verify([path]).catch(() => ({ quarantinedFiles: [] }));
    if (quarantinedFiles.length === 0) return;
    this.counts.damagedFiles++;
    log.warn({ file: path }, 'scrub.damaged');
    onDamaged();
  }

  #nowMs(): number {
    return Number(this.#parts.clock.now() / 1_000n);
  }
}

/** An unfinished round goes on at once. A clock that was set back does not put off the next one for long. */
function dueInMs({ after, lastRoundMs }: ScrubMark, intervalMs: number, nowMs: number): number {
  if (after !== undefined) return 0;
  return Math.min(intervalMs, Math.max(0, lastRoundMs + intervalMs - nowMs));
}

function filesAfter(files: readonly FoundFile[], after = ''): FoundFile[] {
  const rest = files.filter(({ path }) => path > after);
  return rest.sort((a, b) => (a.path < b.path ? -1 : 1));
}

/** It was dropped or set aside meanwhile. */
function ifGone(error: unknown): undefined {
  if (!isTesseraError(error, 'FILE_NOT_STORED')) throw error;
}
