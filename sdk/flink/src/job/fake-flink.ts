import type { Random } from '@tessera/base';
import type { FlinkJobSpec } from '../spec/job-spec.ts';
import type { JobStep } from './decision.ts';
import type { StatePoint } from './journal.ts';
import {
  hasEnded,
  type ObservedJob,
  type ObservedRun,
  type RunState,
  type SavepointProgress,
} from './observed-job.ts';

interface FakeRun {
  state: RunState;
  readonly spec: FlinkJobSpec;
  parallelism: number;
  /** Records read; what a checkpoint covers is committed to the sink. */
  progress: number;
  checkpoints: number;
  restarts: number;
  ageMs: number;
  stop?: string;
}

interface StoredState extends StatePoint {
  readonly jobId: string;
  readonly progress: number;
}

/**
 * An emulation of a JobManager, one job and its state directory, for tests of decisions: it knows what Flink promises about job ids, checkpoints and savepoints, and nothing else of it. It records what must never happen.
 */
export class FakeFlink {
  readonly violations: string[] = [];
  readonly runs = new Map<string, FakeRun>();
  readonly #savepoints = new Map<string, SavepointProgress>();
  readonly #stored: StoredState[] = [];
  readonly #underWay: Extract<JobStep, { kind: 'submit' }>[] = [];
  readonly #random: Random;
  #run = 1;
  #isUp = true;
  #isReadable = true;
  #lastId = 0;
  /** What the sink has seen: all records up to here, exactly once. */
  committed = 0;
  /** Specs whose attempts fail. */
  readonly bad = new Set<number>();

  constructor(random: Random) {
    this.#random = random;
  }

  observe(jobId: string | undefined): ObservedJob {
    const newest = this.#stored.filter((state) => state.jobId === jobId).at(-1);
    return {
      ...(this.#isUp && {
        jobManager: {
          run: `run-${this.#run}`,
          jobs: new Map([...this.runs].map(([id, run]) => [id, observedRun(run)])),
          savepoints: new Map(this.#savepoints),
        },
      }),
      newestState: this.#isReadable
        ? (newest && { kind: newest.kind, path: newest.path, id: newest.id }) || 'none'
        : 'unknown',
      slots: 4,
    };
  }

  /** Takes a step, unless the JobManager is down: then it is lost. */
  act(step: JobStep): void {
    if (!this.#isUp) return;
    if (step.kind === 'submit') {
      // Some arrive late: who sent them has given up waiting.
      if (this.#random.next() < 0.2) this.#underWay.push(step);
      else this.#submit(step);
    }
    const run = this.runs.get(step.jobId);
    if (run === undefined || hasEnded(observedRun(run))) return;
    if (step.kind === 'cancel') run.state = 'CANCELLING';
    else if (step.kind === 'rescale') run.parallelism = step.parallelism;
    else if (step.kind === 'stopWithSavepoint' && !this.#savepoints.has(step.triggerId)) {
      this.#savepoints.set(step.triggerId, 'IN_PROGRESS');
      run.stop = step.triggerId;
    }
  }

  /** Something happens by itself. */
  happen(): void {
    const { next } = this.#random;
    if (next() < 0.3) this.#arrive();
    const luck = next();
    if (luck < 0.03) this.#loseJobManager();
    else if (luck < 0.15) this.#isUp = true;
    else if (luck < 0.18) this.#isReadable = false;
    else if (luck < 0.3) this.#isReadable = true;
    else if (this.#isUp) for (const [jobId, run] of this.runs) this.#advance(jobId, run);
  }

  /** From now on nothing breaks. */
  heal(): void {
    this.#arrive();
    this.#isUp = true;
    this.#isReadable = true;
    for (const [jobId, run] of this.runs) this.#advance(jobId, run, true);
  }

  #arrive(): void {
    for (const step of this.#underWay.splice(0)) this.#submit(step);
  }

  alive(): FakeRun[] {
    return [...this.runs.values()].filter((run) => !hasEnded(observedRun(run)));
  }

  #submit({ jobId, spec, from }: Extract<JobStep, { kind: 'submit' }>): void {
    if (this.runs.has(jobId)) return; // Refused: the job id is taken.
    if (this.alive().length > 0) this.violations.push(`${jobId} started beside another attempt`);
    const state = from && this.#stored.find(({ path }) => path === from.path);
    const progress = state?.progress ?? 0;
    if (progress !== this.committed) {
      this.violations.push(`restored at ${progress}, but ${this.committed} are committed`);
    }
    this.runs.set(jobId, {
      state: 'INITIALIZING',
      spec,
      parallelism: spec.parallelism,
      progress,
      checkpoints: 0,
      restarts: 0,
      ageMs: 0,
    });
  }

  /** All that ran under it is gone, and the next one knows nothing. */
  #loseJobManager(): void {
    this.#isUp = false;
    this.#run++;
    this.runs.clear();
    this.#underWay.length = 0;
    this.#savepoints.clear();
  }

  #advance(jobId: string, run: FakeRun, isHealing = false): void {
    const luck = isHealing ? 0.5 : this.#random.next();
    run.ageMs += 20_000;
    if (run.state === 'CANCELLING') run.state = 'CANCELED';
    if (hasEnded(observedRun(run))) return;
    if (run.state !== 'RUNNING') {
      run.state = 'RUNNING';
      return;
    }
    run.progress += 10;
    if (this.bad.has(Number(run.spec.configuration?.['version'])) && luck > 0.2) {
      run.state = 'FAILED';
    } else if (luck < 0.03) {
      run.state = 'FAILED';
    } else if (luck < 0.05) {
      run.state = 'CANCELED'; // By somebody else.
    } else if (luck < 0.1) {
      this.#failOver(run);
    } else if (run.stop !== undefined) {
      this.#finishStop(jobId, run, run.stop, luck);
    } else if (luck < 0.7) {
      this.#store(jobId, run, 'checkpoint');
    }
  }

  /** Flink restarts a job from its newest complete checkpoint or savepoint. */
  #failOver(run: FakeRun): void {
    run.state = 'RESTARTING';
    run.restarts++;
    run.progress = this.committed;
    if (run.stop !== undefined) this.#savepoints.set(run.stop, 'FAILED');
    delete run.stop;
  }

  #finishStop(jobId: string, run: FakeRun, triggerId: string, luck: number): void {
    if (luck < 0.2) {
      this.#failOver(run);
      return;
    }
    if (luck < 0.3) {
      // Written, but the job does not end: it goes on.
      this.#store(jobId, run, 'savepoint');
      this.#failOver(run);
      return;
    }
    this.#store(jobId, run, 'savepoint');
    this.#savepoints.set(triggerId, 'COMPLETED');
    run.state = 'FINISHED';
  }

  #store(jobId: string, run: FakeRun, kind: StatePoint['kind']): void {
    const id = ++this.#lastId;
    this.#stored.push({ jobId, kind, id, path: `${kind}/${jobId}/${id}`, progress: run.progress });
    this.committed = run.progress;
    run.checkpoints++;
  }
}

function observedRun(run: FakeRun): ObservedRun {
  const { state, parallelism, checkpoints, restarts, ageMs } = run;
  return { state, parallelism, checkpoints, restarts, ageMs, isLagGrowing: false };
}
