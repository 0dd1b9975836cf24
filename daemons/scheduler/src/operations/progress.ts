import type { Clock } from '@tessera/base';
import { type Any, scheduler } from '@tessera/proto';

const metadataType = 'type.googleapis.com/tessera.scheduler.v1.BuildProgress';

export type ProgressUpdate = Partial<
  Pick<
    scheduler.BuildProgress,
    | 'phase'
    | 'step'
    | 'stepsDone'
    | 'stepsTotal'
    | 'rowsDone'
    | 'rowsTotal'
    | 'bytesWritten'
    | 'ranges'
  >
>;

/**
 * How far an operation is. Updates are merged in memory; `packed` is what is written with the record now and then.
 * The time left is extrapolated from the rows done so far, and unknown before that means anything.
 */
export class Progress {
  readonly #clock: Clock;
  readonly #startedMs: number;
  #state: scheduler.BuildProgress;

  constructor(clock: Clock, init: { cube: string; kind: string; attempt: number }) {
    this.#clock = clock;
    this.#startedMs = clock.monotonicMs();
    this.#state = scheduler.BuildProgress.fromPartial({
      ...init,
      phase: 'PLAN',
      startTime: timestamp(clock.now()),
    });
  }

  update(change: ProgressUpdate): void {
    this.#state = scheduler.BuildProgress.fromPartial({
      ...this.#state,
      ...change,
      secondsLeft: undefined,
    });
  }

  /** Counts one step more as done. */
  advance(change: ProgressUpdate = {}): void {
    this.update({ ...change, stepsDone: this.#state.stepsDone + 1 });
  }

  packed(ended = false): Any {
    const secondsLeft = ended ? undefined : this.#secondsLeft();
    const value = scheduler.BuildProgress.encode({
      ...this.#state,
      secondsLeft,
      endTime: ended ? timestamp(this.#clock.now()) : undefined,
    }).finish();
    return { typeUrl: metadataType, value: Buffer.from(value) };
  }

  #secondsLeft(): number | undefined {
    const { stepsDone, stepsTotal } = this.#state;
    const spent = (this.#clock.monotonicMs() - this.#startedMs) / 1000;
    if (stepsDone < 2 || stepsTotal === 0 || spent < 1) return undefined;
    return (spent / stepsDone) * (stepsTotal - stepsDone);
  }
}

export function timestamp(micros: bigint): { seconds: bigint; nanos: number } {
  const seconds = micros / 1_000_000n;
  return { seconds, nanos: Number(micros - seconds * 1_000_000n) * 1000 };
}
