import {
  type CapacityObservation,
  type EnsembleState,
  type ForecastBand,
  type JobSample,
  noForecasts,
  type Series,
} from '@tessera/scaling';
import { usualPaceMs } from './pace.ts';

/** Everything that is remembered from one decision to the next. Plain data, bounded. */
export interface ForecastLearned {
  /** How fast the job is scaled: see `paceOf`. */
  readonly paceMs: number;
  /** When the first attempt that was seen began. */
  readonly firstSinceMs?: number;
  readonly grown?: Growth;
  /** Sizes that had soon to be grown out of, the latest last. */
  readonly refused: readonly RefusedSize[];
  /** Of this attempt, the last minutes. */
  readonly samples: readonly JobSample[];
  /** Records per second that arrive for all sources, five minutes a step. */
  readonly load: Series;
  readonly ensemble: EnsembleState;
  /** The middle of what is expected, for steps from the end of `load` on. */
  readonly path: readonly number[];
  /** How wide around it, for each quantile. */
  readonly bands: readonly ForecastBand[];
  /** How far the load of two minutes usually is from the forecast for them, as a share. */
  readonly wobble: number;
  /** Observations that `wobble` is from. */
  readonly wobbleCount: number;
  readonly weights: Readonly<Record<string, number>>;
  readonly vertices: Readonly<Record<string, LearnedVertex>>;
  /** When rows of observations were last added to. */
  readonly observedMs: number;
}

/** When the job was last given more slots. */
export interface Growth {
  readonly timeMs: number;
  /** Records per second that arrived then. */
  readonly rate: number;
  /** It was for working off what waited, rather than for the load. */
  readonly isForBacklog?: boolean;
}

/** Fewer slots were taken, and were too few within the hour. */
export interface RefusedSize {
  readonly timeMs: number;
  readonly slots: number;
  /** Records per second of about an hour then. */
  readonly level: number;
}

export interface LearnedVertex {
  /** Records taken in for each record into all sources. */
  readonly ratio: number;
  readonly rows: readonly CapacityObservation[];
  /** Share of the records that one key has, where that is what limits it. */
  readonly hotShare?: number;
  /** What it took in at a parallelism while it was waited for and yet not busy: something outside limits it. */
  readonly external: readonly { readonly parallelism: number; readonly rate: number }[];
  /** Records per second that it does, cautiously, at 1, 2, … subtasks. */
  readonly capacity: readonly number[];
  readonly fittedMs: number;
}

export const nothingLearned: ForecastLearned = {
  paceMs: usualPaceMs,
  refused: [],
  samples: [],
  load: { startMs: 0, values: [] },
  ensemble: noForecasts,
  path: [],
  bands: [],
  wobble: 0.05,
  wobbleCount: 0,
  weights: {},
  vertices: {},
  observedMs: 0,
};

export const loadStepMs = 300_000;
/** Eight days, so that a week can be told. */
export const loadLimit = (8 * 86_400_000) / loadStepMs;
export const samplesMs = 330_000;
/** Of samples older than that many paces, one in so long is enough. */
export const densePaces = 3;
export const sparseMs = 10_000;
