import { closeSync, existsSync, openSync, readSync } from 'node:fs';
import type { Clock } from '@tessera/base';
import { logRotated } from '../errors.ts';
import { type LogPiece, listLog, rotationMark } from './log-files.ts';

export interface LogRequest {
  /** Offset of the first byte wanted. Absent: by `tailLines`. */
  readonly startOffset?: number;
  readonly tailLines: number;
  readonly follow: boolean;
  readonly maxBytes: number;
}

export interface LogChunk {
  readonly offset: number;
  readonly data: Uint8Array;
}

export interface LogFollowing {
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** True when nothing more will be printed. */
  readonly isEnded: () => boolean;
}

const chunkBytes = 64 * 1024;
const tailBytes = 1 << 20;
const pollMs = 100;
/** How often a reader that met a rotation looks again; one that never ends was broken off. */
const rotationTries = 50;

/**
 * What was printed, from an offset or the last lines on; with `follow` until it has ended.
 * @throws LOG_ROTATED when the offset is no longer kept, also while following.
 */
export async function* followLog(
  path: string,
  request: LogRequest,
  { clock, signal, isEnded }: LogFollowing,
): AsyncGenerator<LogChunk, void> {
  const wait = () => clock.sleep(pollMs, signal).catch(() => {});
  const read = (offset: number, limit: number) => readStable(path, offset, limit, wait);
  let left = request.maxBytes;
  let offset = request.startOffset ?? (await tailOffset(path, request.tailLines, read));
  while (left > 0 && !signal.aborted) {
    const wasEnded = isEnded();
    const data = await read(offset, Math.min(chunkBytes, left));
    if (data.length > 0) {
      yield { offset, data };
      offset += data.length;
      left -= data.length;
    } else if (!request.follow || wasEnded) return;
    else await wait();
  }
}

type Read = (offset: number, limit: number) => Promise<Uint8Array>;

/** Where the last lines begin, among the last megabyte. */
async function tailOffset(path: string, lines: number, read: Read): Promise<number> {
  const pieces = listed(path);
  const [first, last] = [pieces[0], pieces.at(-1)];
  if (first === undefined || last === undefined) return 0;
  const end = last.start + last.sizeBytes;
  const start = Math.max(first.start, end - tailBytes);
  const parts: Uint8Array[] = [];
  for (let at = start; at < end; ) {
    const part = await read(at, end - at);
    if (part.length === 0) break;
    parts.push(part);
    at += part.length;
  }
  return start + lastLines(Buffer.concat(parts), lines);
}

/** Position at which the last lines begin; a last line without an end counts. */
export function lastLines(text: Uint8Array, lines: number): number {
  const newline = 10;
  let at = text.length;
  for (let i = 0; i < lines; i++) {
    // The search starts before the line's own end.
    const before = at < 2 ? -1 : text.lastIndexOf(newline, at - 2);
    if (before < 0) return 0;
    at = before + 1;
  }
  return at;
}

/** Bytes at an offset, fewer at the end of a file; none at the end of the log. Waits while bytes are moved. */
async function readStable(
  path: string,
  offset: number,
  limit: number,
  wait: () => Promise<void>,
): Promise<Uint8Array> {
  for (let i = 0; ; i++) {
    const before = listed(path);
    const data = isMoving(path) ? undefined : readPieces(before, offset, limit);
    const isSame = !isMoving(path) && shapeOf(listed(path)) === shapeOf(before);
    if (data !== undefined && isSame) return data;
    if (i >= rotationTries) return readPieces(before, offset, limit);
    await wait();
  }
}

function readPieces(pieces: readonly LogPiece[], offset: number, limit: number): Uint8Array {
  const [oldest, newest] = [pieces[0], pieces.at(-1)];
  const end = newest === undefined ? 0 : newest.start + newest.sizeBytes;
  if (offset > end) return new Uint8Array();
  if (oldest !== undefined && offset < oldest.start) throw logRotated(offset, oldest.start);
  const piece = pieces.findLast(({ start }) => start <= offset);
  if (piece === undefined) return new Uint8Array();
  const buffer = Buffer.alloc(Math.min(limit, piece.start + piece.sizeBytes - offset));
  const file = openSync(piece.path, 'r');
  try {
    return buffer.subarray(0, readSync(file, buffer, 0, buffer.length, offset - piece.start));
  } finally {
    closeSync(file);
  }
}

/** Changes with every rotation, not when something is printed. */
function shapeOf(pieces: readonly LogPiece[]): string {
  return pieces.map(({ start }) => start).join();
}

function isMoving(path: string): boolean {
  return existsSync(rotationMark(path));
}

/** None when nothing was printed yet. */
function listed(path: string): readonly LogPiece[] {
  try {
    return listLog(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}
