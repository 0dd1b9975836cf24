import type { Clock } from '@tessera/base';

export interface EtcdOptions {
  /** Such as `https://10.0.0.1:2379`, one or more members of one cluster. */
  readonly endpoints: readonly string[];
  /** What all keys in etcd begin with. */
  readonly prefix: string;
  readonly tls?: EtcdTls;
  readonly credentials?: { readonly username: string; readonly password: string };
  readonly clock: Clock;
  readonly timing?: Partial<EtcdTiming>;
}

/** Contents of PEM files. */
export interface EtcdTls {
  readonly ca?: Buffer;
  readonly certificate?: Buffer;
  readonly key?: Buffer;
}

export interface EtcdTiming {
  /** How long one call to one endpoint may take before another endpoint is asked. */
  readonly attemptMs: number;
  /** How long all attempts of one call may take together. */
  readonly budgetMs: number;
  /** How often a silent watch is asked whether it lives; after three times this it is opened elsewhere. */
  readonly heartbeatMs: number;
  /** A watch that is silent for so long though the newest revision is ahead is told how far it is by a write. */
  readonly barrierMs: number;
}

export const defaultTiming: EtcdTiming = {
  attemptMs: 1_500,
  budgetMs: 10_000,
  heartbeatMs: 1_000,
  barrierMs: 1_000,
};

/** Between attempts: doubles from the first to the last. */
export const backoff = { firstMs: 20, lastMs: 500 } as const;

/** A large call gets more time: what a slow network still carries, bytes per millisecond. */
export const slowBytesPerMs = 4_000;
