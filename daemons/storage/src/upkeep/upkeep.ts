import type { Clock } from '@tessera/base';
import { type Logger, pieceBytes, TokenBucket } from '@tessera/daemon';
import type { Meter } from '@tessera/telemetry';
import type { StorageConfig } from '../config.ts';
import type { FileStore } from '../files/file-store.ts';
import { storageMetrics } from '../metrics.ts';
import type { StorageDaemon } from '../storage-daemon.ts';
import type { Transfers } from '../transfer/transfers.ts';
import type { FileOwners } from './file-owners.ts';
import { Mender } from './mender.ts';
import { scrubFile } from './scrub-memory.ts';
import { Scrubber, type ScrubCounts } from './scrubber.ts';

export interface UpkeepParts {
  readonly config: StorageConfig;
  readonly files: FileStore;
  readonly daemon: StorageDaemon;
  readonly transfers: Transfers;
  readonly owners: FileOwners;
  readonly clock: Clock;
  readonly log: Logger;
  readonly meter: Meter;
}

export interface UpkeepCounts extends Readonly<ScrubCounts> {
  readonly mendedFiles: number;
}

/** Finds stored files that rot, and mends them where it can. */
export class Upkeep implements AsyncDisposable {
  readonly #mender: Mender;
  readonly #scrubber: Scrubber | undefined;

  constructor(parts: UpkeepParts) {
    const { config, files, daemon, transfers, owners, clock, log, meter } = parts;
    const mended = meter.counter(storageMetrics.mended);
    this.#mender = new Mender({
      ...{ files, transfers, owners, clock, log },
      intervalMs: config.mendIntervalMs,
      onMended: () => mended(1),
    });
    const { scrubBytesPerSecond: bytesPerSecond, scrubIntervalMs: intervalMs } = config;
    if (bytesPerSecond === 0) return;
    const [scrubbed, damaged] = [storageMetrics.scrubbed, storageMetrics.damaged].map((metric) =>
      meter.counter(metric),
    ) as [(value: number) => void, (value: number) => void];
    const bucket = new TokenBucket({ bytesPerSecond, clock });
    this.#scrubber = new Scrubber({
      ...{ files, intervalMs, clock, log },
      verify: (names) => daemon.verify(names),
      memory: scrubFile(config.directory),
      pace: { bucket, pieceBytes: pieceBytes(bytesPerSecond) },
      onVerified: (bytes) => scrubbed(bytes),
      onDamaged: () => {
        damaged(1);
        this.#mender.wake();
      },
    });
  }

  counts(): UpkeepCounts {
    const none = { verifiedFiles: 0, verifiedBytes: 0, damagedFiles: 0, lastRoundMs: 0 };
    return { ...(this.#scrubber?.counts ?? none), mendedFiles: this.#mender.mendedFiles };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#scrubber?.[Symbol.asyncDispose]();
    await this.#mender[Symbol.asyncDispose]();
  }
}
