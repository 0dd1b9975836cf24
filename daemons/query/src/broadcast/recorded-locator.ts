import { type Clock, LruCache } from '@tessera/base';
import { type LayoutFile, layoutPath } from '@tessera/cube';
import type { metadata } from '@tessera/proto';
import type { Replicas, SegmentLocator } from './segment-locator.ts';

export interface RecordedParts {
  /** A segment as metadata has it, by resource name. */
  readonly segment: (name: string) => metadata.Segment | undefined;
  /** For files of which metadata does not say who has them. */
  readonly asking: SegmentLocator;
  readonly clock: Clock;
}

/** For so long a daemon that turned out to lack a file is asked for it last. */
const lacksMs = 10_000;
const maxLacking = 10_000;

/**
 * Goes by what metadata records of segments. Where it records nothing, or knows other files of the segment than are asked for, the
 * daemons are asked.
 */
export class RecordedLocator implements SegmentLocator {
  readonly #parts: RecordedParts;
  /** By daemon and path: until when it counts as lacking. */
  readonly #lacking = new LruCache<number>({ maxEntries: maxLacking, maxWeight: maxLacking });

  constructor(parts: RecordedParts) {
    this.#parts = parts;
  }

  async locate(files: readonly LayoutFile[], signal: AbortSignal): Promise<readonly Replicas[]> {
    const recorded = files.map((file) => this.#recorded(file));
    const unknown = files.filter((_, i) => recorded[i] === undefined);
    if (unknown.length === 0) return recorded as Replicas[];
    const asked = await this.#parts.asking.locate(unknown, signal);
    let next = 0;
    return recorded.map((replicas) => replicas ?? asked[next++]!);
  }

  forget(daemon: string, files: readonly LayoutFile[]): void {
    const untilMs = this.#parts.clock.monotonicMs() + lacksMs;
    for (const file of files) this.#lacking.set(`${daemon} ${layoutPath(file)}`, untilMs, 1);
    this.#parts.asking.forget(daemon, files);
  }

  #recorded(file: LayoutFile): Replicas | undefined {
    const { cube, segment, layout, fileDigest } = file;
    const found = this.#parts.segment(`${cube}/segments/${segment}`);
    if (found === undefined || found.replicas.length === 0) return undefined;
    const isOf = found.layouts.some((one) => one.id === layout && one.fileDigest === fileDigest);
    if (!isOf) return undefined;
    const nowMs = this.#parts.clock.monotonicMs();
    const path = layoutPath(file);
    const having = found.replicas.filter(
      (daemon) => (this.#lacking.get(`${daemon} ${path}`) ?? 0) <= nowMs,
    );
    return { daemons: having.length > 0 ? having : found.replicas, unasked: [] };
  }
}
