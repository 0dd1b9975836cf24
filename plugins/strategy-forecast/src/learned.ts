import {
  type CapacityObservation,
  type EnsembleState,
  type ForecastBand,
  type JobSample,
  noForecasts,
  type Series,
} from '@tessera/scaling';

/** Everything that is remembered from one decision to the next. Plain data, bounded. */
export interface ForecastLearned {
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
  readonly weights: Readonly<Record<string, number>>;
  readonly vertices: Readonly<Record<string, LearnedVertex>>;
  /** When rows of observations were last added to. */
  readonly observedMs: number;
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
  samples: [],
  load: { startMs: 0, values: [] },
  ensemble: noForecasts,
  path: [],
  bands: [],
  wobble: 0.05,
  weights: {},
  vertices: {},
  observedMs: 0,
};

export const loadStepMs = 300_000;
/** Eight days, so that a week can be told. */
export const loadLimit = (8 * 86_400_000) / loadStepMs;
export const samplesMs = 330_000;
