import { mkdirSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { mustRun, runTool } from './run-tool.ts';

const ballastName = 'ballast';

/** A file system in memory that is as small as wanted, and can be filled up. Needs root. */
export class SmallDisk implements Disposable {
  readonly folder: string;

  constructor(folder: string, sizeMegabytes: number) {
    this.folder = folder;
    mkdirSync(folder, { recursive: true });
    mustRun('mount', '-t', 'tmpfs', '-o', `size=${sizeMegabytes}m`, 'tmpfs', folder);
  }

  /** Takes what is left, but for so many bytes. */
  fill(leftBytes = 0): void {
    const { bavail, bsize } = statfsSync(this.folder);
    const bytes = Math.max(0, bavail * bsize - leftBytes);
    try {
      writeFileSync(this.#ballast, Buffer.alloc(bytes));
    } catch (error) {
      // Somebody else wrote meanwhile: the disk is full all the same.
      if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
    }
  }

  empty(): void {
    rmSync(this.#ballast, { force: true });
  }

  /** Also when files on it are still open. */
  [Symbol.dispose](): void {
    runTool('umount', ['--lazy', this.folder]);
  }

  get #ballast(): string {
    return join(this.folder, ballastName);
  }
}
