import type { Clock, TesseraError } from '@tessera/base';
import type { DaemonWork, ScanOptions } from '@tessera/client';
import { batchBytes, type ColumnBatch } from '@tessera/columnar';
import {
  type LayoutFile,
  layoutPath,
  type PartialScan,
  partialScan,
  type ScanPlan,
} from '@tessera/cube';
import { resultTooLarge } from '../errors.ts';
import { isUnreadable } from '../execute/unreadable.ts';
import { streamUntil } from '../execute/until.ts';
import type { HeldFile, Share } from './assign.ts';
import { cheapestCover } from './cheapest-cover.ts';
import { firstToWork } from './first-to-work.ts';
import type { Hedging } from './hedging.ts';
import type { NodeStandings } from './node-standings.ts';
import { mayWorkElsewhere } from './retryable.ts';
import type { ScanCosts } from './scan-costs.ts';
import type { Replicas, SegmentLocator } from './segment-locator.ts';
import type { StorageNode } from './storage-node.ts';
import { ToldOfCall } from './told-of-call.ts';
import { whyUnreachable } from './why-unreachable.ts';

export interface BroadcastScanParts {
  readonly nodes: ReadonlyMap<string, StorageNode>;
  readonly locator: SegmentLocator;
  readonly clock: Clock;
  readonly standings: NodeStandings;
  readonly hedging: Hedging;
  readonly costs: ScanCosts;
  readonly maxPartialBytes: number;
}

/** What one call gave. */
interface Part {
  /** True: it read all segments, by the plan as it came, and there is nothing to merge. */
  readonly whole: boolean;
  readonly batches: readonly ColumnBatch[];
}

type Attempt = DaemonWork['attempt'];

/** Nobody looks at it; the exception that an abort makes without one costs more than the rest of a call's wait. */
const callOver = 'the call is over';

/** One scan over several daemons. Each segment is in exactly one of the parts that make up the answer. */
export class BroadcastScan {
  readonly #plan: ScanPlan;
  readonly #files: readonly LayoutFile[];
  readonly #replicas: readonly Replicas[];
  readonly #options: ScanOptions;
  readonly #parts: BroadcastScanParts;
  /** The last failure of each daemon. */
  readonly #failures = new Map<string, TesseraError>();
  #partial: PartialScan | undefined;
  /** What the daemons worked for the answer, as far as they all told. */
  #scanMicros: number | undefined = 0;

  constructor(
    plan: ScanPlan,
    files: readonly LayoutFile[],
    replicas: readonly Replicas[],
    options: ScanOptions,
    parts: BroadcastScanParts,
  ) {
    this.#plan = plan;
    this.#files = files;
    this.#replicas = replicas;
    this.#options = options;
    this.#parts = parts;
  }

  async rows(): Promise<readonly ColumnBatch[]> {
    const all = this.#files.map((_, index) => index);
    const parts = await this.#read(all, new Set(), 'first', this.#options.signal);
    if (this.#scanMicros !== undefined) this.#parts.costs.took(this.#plan, this.#scanMicros);
    if (parts.length === 1 && parts[0]!.whole) return parts[0]!.batches;
    const batches = parts.flatMap((part) => part.batches);
    return [this.#inParts().combine(batches)];
  }

  #inParts(): PartialScan {
    this.#partial ??= partialScan(this.#plan);
    return this.#partial;
  }

  /** The parts for these files, from daemons that are not excluded. What is under way ends when one of them fails. */
  async #read(
    indexes: readonly number[],
    excluded: ReadonlySet<string>,
    attempt: Attempt,
    signal: AbortSignal,
  ): Promise<readonly Part[]> {
    const shares = this.#assign(indexes, excluded);
    if (shares === undefined) throw whyUnreachable(this.#of(indexes), this.#failures);
    const failed = new AbortController();
    const either = AbortSignal.any([signal, failed.signal]);
    try {
      const parts = shares.map((share) => this.#readShare(share, excluded, attempt, either));
      return (await Promise.all(parts)).flat();
    } catch (error) {
      failed.abort(error);
      throw error;
    }
  }

  #assign(indexes: readonly number[], excluded: ReadonlySet<string>): readonly Share[] | undefined {
    const { standings, nodes, costs } = this.#parts;
    const files: readonly HeldFile[] = indexes.map((index) => ({
      key: layoutPath(this.#files[index]!),
      daemons: this.#replicas[index]!.daemons.filter(
        (daemon) => nodes.has(daemon) && !excluded.has(daemon),
      ),
    }));
    const scanMicros = costs.of(this.#plan);
    const shares = cheapestCover(files, {
      standing: (daemon) => standings.of(daemon),
      key: this.#plan.layout,
      fileMicros: scanMicros && scanMicros / this.#files.length,
    });
    return shares?.map((share) => ({
      daemon: share.daemon,
      indexes: share.indexes.map((index) => indexes[index]!),
    }));
  }

  #of(indexes: readonly number[]) {
    return indexes.map((index) => ({
      file: this.#files[index]!,
      replicas: this.#replicas[index]!,
    }));
  }

  /** One daemon's share; by other replicas when it fails, and by whoever is first when it is late. */
  async #readShare(
    share: Share,
    excluded: ReadonlySet<string>,
    attempt: Attempt,
    signal: AbortSignal,
  ): Promise<readonly Part[]> {
    const { indexes, daemon } = share;
    const others = new Set([...excluded, daemon]);
    const isOther = (one: string) => this.#parts.nodes.has(one) && !others.has(one);
    const abandoned = new AbortController();
    const own = this.#call(share, attempt, AbortSignal.any([signal, abandoned.signal]));
    const replaceable = indexes.every((index) => this.#replicas[index]!.daemons.some(isOther));
    if (replaceable && (await this.#isLate(own))) {
      return firstToWork({
        own: own.then((part) => [part]),
        abandonOwn: () => {
          abandoned.abort();
          this.#parts.standings.suspect(daemon);
        },
        other: (stop) => this.#read(indexes, others, 'hedge', AbortSignal.any([signal, stop])),
        neither: () => whyUnreachable(this.#of(indexes), this.#failures),
      });
    }
    try {
      return [await own];
    } catch (error) {
      signal.throwIfAborted();
      if (!mayWorkElsewhere(error)) throw error;
      return this.#read(indexes, others, 'retry', signal);
    }
  }

  /** True when the call is not over and another may be made; false as soon as it is over. */
  async #isLate(call: Promise<unknown>): Promise<boolean> {
    const { clock, hedging } = this.#parts;
    const over = new AbortController();
    const wait = async () => {
      const delayMs = hedging.delayMs();
      await clock.sleep(delayMs, over.signal);
      if (!hedging.take()) {
        await clock.sleep(Math.max(0, hedging.stalledMs - delayMs), over.signal);
      }
      return true;
    };
    const ended = () => false;
    const late = await Promise.race([call.then(ended, ended), wait().catch(ended)]);
    over.abort(callOver);
    return late;
  }

  async #call(share: Share, attempt: Attempt, signal: AbortSignal): Promise<Part> {
    const { clock, standings, hedging } = this.#parts;
    const { daemon } = share;
    const whole = share.indexes.length === this.#files.length;
    const startedMs = clock.monotonicMs();
    const told = new ToldOfCall();
    let outcome: DaemonWork['outcome'] = 'failed';
    standings.began(daemon);
    if (attempt === 'first') hedging.called();
    try {
      const batches = await this.#collect(share, whole, told, signal);
      outcome = 'answered';
      this.#worked(told.soFar().work?.scanMicros);
      standings.answered(daemon);
      hedging.answered(clock.monotonicMs() - startedMs);
      return { whole, batches };
    } catch (error) {
      if (signal.aborted) outcome = 'abandoned';
      else this.#noteFailure(share, error);
      throw error;
    } finally {
      standings.ended(daemon);
      const micros = Math.round((clock.monotonicMs() - startedMs) * 1_000);
      const segmentCount = share.indexes.length;
      const work = { daemon, attempt, outcome, segmentCount, micros, ...told.soFar() };
      this.#options.onDaemonWork?.(work);
    }
  }

  #worked(micros: number | undefined): void {
    if (this.#scanMicros === undefined) return;
    this.#scanMicros = micros === undefined ? undefined : this.#scanMicros + micros;
  }

  async #collect(
    { daemon, indexes }: Share,
    whole: boolean,
    told: ToldOfCall,
    signal: AbortSignal,
  ): Promise<readonly ColumnBatch[]> {
    const { scanner } = this.#parts.nodes.get(daemon)!;
    const limit = this.#parts.maxPartialBytes;
    const segments = indexes.map((index) => this.#plan.segments[index]!);
    const plan = { ...(whole ? this.#plan : this.#inParts().plan), segments };
    const { parameters } = this.#options;
    const batches: ColumnBatch[] = [];
    let bytes = 0;
    for await (const batch of streamUntil(
      scanner.scan(plan, { parameters, signal, ...told.listeners(this.#options) }),
      signal,
    )) {
      bytes += batchBytes(batch);
      if (bytes > limit) throw resultTooLarge('bytes', limit);
      told.rows(batch.rowCount);
      if (batch.rowCount > 0) batches.push(batch);
    }
    return batches;
  }

  #noteFailure({ daemon, indexes }: Share, error: unknown): void {
    if (!mayWorkElsewhere(error)) return;
    this.#failures.set(daemon, error);
    // A daemon that lacks one file is not worse than others for the rest.
    if (isUnreadable(error)) {
      this.#parts.locator.forget(
        daemon,
        indexes.map((index) => this.#files[index]!),
      );
    } else {
      this.#parts.standings.suspect(daemon);
    }
  }
}
