/**
 * What a process printed, as files. `output.log` is being written; `output.log.{offset}` were set aside, named by the
 * offset of their first byte, counted from the first one that the process ever printed. They follow each other
 * without gap, so the offset of what is being written is the end of the last one that was set aside.
 */
import { readdirSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';

export interface LogPiece {
  readonly path: string;
  /** Offset of its first byte. */
  readonly start: number;
  readonly sizeBytes: number;
}

const digits = 16;

/** Oldest first; the one being written is the last. */
export function listLog(path: string): readonly LogPiece[] {
  const prefix = `${basename(path)}.`;
  const pieces = readdirSync(dirname(path))
    .filter((name) => name.startsWith(prefix) && /^\d{16}$/.test(name.slice(prefix.length)))
    .sort()
    .map((name) => pieceOf(join(dirname(path), name), Number(name.slice(prefix.length))))
    .filter((piece) => piece !== undefined);
  const last = pieces.at(-1);
  const current = pieceOf(path, last === undefined ? 0 : last.start + last.sizeBytes);
  return current === undefined ? pieces : [...pieces, current];
}

export function setAsidePath(path: string, start: number): string {
  return `${path}.${String(start).padStart(digits, '0')}`;
}

/** There while bytes are moved from the file being written to one that is set aside: they are in both for a moment. */
export function rotationMark(path: string): string {
  return `${path}.rotating`;
}

function pieceOf(path: string, start: number): LogPiece | undefined {
  const found = statSync(path, { throwIfNoEntry: false });
  return found && { path, start, sizeBytes: found.size };
}
