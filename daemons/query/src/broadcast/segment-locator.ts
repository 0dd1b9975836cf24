import type { LayoutFile } from '@tessera/cube';

/** Where one file is. */
export interface Replicas {
  /** Names of the daemons that have it, as far as is known. */
  readonly daemons: readonly string[];
  /** Names of those that could not be asked, and why: they may have it as well. */
  readonly unasked: readonly { readonly daemon: string; readonly reason: string }[];
}

/**
 * Says which storage daemons have which files. A digest is part of a file's name, so a daemon that had it has the same
 * content; it may have lost it since.
 */
export interface SegmentLocator {
  /** For each file in order. */
  locate(files: readonly LayoutFile[], signal: AbortSignal): Promise<readonly Replicas[]>;
  /** A daemon turned out not to have these. */
  forget(daemon: string, files: readonly LayoutFile[]): void;
}

/** Placement by configuration: each daemon has the cubes that are named for it, or all of them. */
export interface StaticPlacement {
  readonly daemon: string;
  /** Resource names; absent: all. */
  readonly cubes?: ReadonlySet<string>;
}

export class StaticLocator implements SegmentLocator {
  readonly #placements: readonly StaticPlacement[];

  constructor(placements: readonly StaticPlacement[]) {
    this.#placements = placements;
  }

  async locate(files: readonly LayoutFile[]): Promise<readonly Replicas[]> {
    return files.map(({ cube }) => {
      const holding = this.#placements.filter(
        ({ cubes }) => cubes === undefined || cubes.has(cube),
      );
      return { daemons: holding.map(({ daemon }) => daemon), unasked: [] };
    });
  }

  /** What is configured stays. */
  forget(): void {}
}
