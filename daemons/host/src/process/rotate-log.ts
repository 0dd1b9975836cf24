/**
 * Sets old output aside while the program goes on writing to the same open file. The bytes are copied and then cut
 * off at the front: by the file system, where it can (ext4, XFS), and nothing is lost. Elsewhere the file is emptied
 * when the copy has reached its end, and what is printed between those two calls is lost.
 */
import { spawnSync } from 'node:child_process';
import {
  closeSync,
  existsSync,
  fsyncSync,
  openSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { listLog, rotationMark, setAsidePath } from './log-files.ts';

export interface RotationLimits {
  /** A file beyond this is set aside. */
  readonly maxBytes: number;
  /** Files that are kept beside the one being written; at least one. */
  readonly maxFiles: number;
}

/** The file must have been opened for appending by whoever writes it. */
export function rotateLog(path: string, { maxBytes, maxFiles }: RotationLimits): void {
  const found = statSync(path, { throwIfNoEntry: false });
  if (found === undefined || found.size <= maxBytes) return;
  const { start } = listLog(path).at(-1)!;
  const copy = new Copy(path, `${path}.new`);
  try {
    // A file system cuts off whole blocks only, and never all of a file.
    const wholeBlocks = found.size - 1 - ((found.size - 1) % found.blksize);
    copy.until(wholeBlocks);
    copy.commit(setAsidePath(path, start));
    if (wholeBlocks === 0 || !cutFront(path, wholeBlocks)) {
      copy.until(Number.POSITIVE_INFINITY);
      truncateSync(path, 0);
    }
  } finally {
    copy.close();
  }
  rmSync(rotationMark(path), { force: true });
  for (const piece of listLog(path).slice(0, -1 - maxFiles)) rmSync(piece.path, { force: true });
}

/** Of a rotation that broke off: what it had copied is still in the file as well, which is better than in neither. */
export function recoverRotation(path: string): void {
  rmSync(`${path}.new`, { force: true });
  rmSync(rotationMark(path), { force: true });
}

/** A growing copy of a growing file. */
class Copy {
  readonly #path: string;
  readonly #copyPath: string;
  readonly #from: number;
  readonly #to: number;
  readonly #buffer = Buffer.alloc(1 << 20);
  #copied = 0;

  constructor(path: string, copyPath: string) {
    this.#path = path;
    this.#copyPath = copyPath;
    this.#from = openSync(path, 'r');
    this.#to = openSync(copyPath, 'w', 0o640);
  }

  /** Copies up to that many bytes in all, or to the present end. */
  until(size: number): void {
    while (this.#copied < size) {
      const wanted = Math.min(this.#buffer.length, size - this.#copied);
      const read = readSync(this.#from, this.#buffer, 0, wanted, this.#copied);
      if (read === 0) return;
      writeSync(this.#to, this.#buffer, 0, read);
      this.#copied += read;
    }
  }

  /** From here until the mark is removed, readers wait: the bytes are in both files. */
  commit(path: string): void {
    fsyncSync(this.#to);
    if (!existsSync(rotationMark(this.#path))) writeFileSync(rotationMark(this.#path), '');
    renameSync(this.#copyPath, path);
  }

  close(): void {
    closeSync(this.#from);
    closeSync(this.#to);
  }
}

let canCutFront = true;

/** False when the file system, or the machine, cannot do it. */
function cutFront(path: string, lengthBytes: number): boolean {
  if (!canCutFront) return false;
  const args = ['--collapse-range', '--offset', '0', '--length', String(lengthBytes), path];
  canCutFront = spawnSync('fallocate', args, { stdio: 'ignore' }).status === 0;
  return canCutFront;
}
