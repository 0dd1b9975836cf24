import type { Random } from '@tessera/base';
import type { FlinkJobSpec } from '../spec/job-spec.ts';
import type { JobStep } from './decision.ts';
import type { JobSize } from './job-size.ts';
import type { StatePoint } from './journal.ts';
import {
  hasEnded,
  type ObservedJob,
  type ObservedRun,
  type ObservedSavepoint,
  type RunState,
} from './observed-job.ts';

interface FakeRun {
  state: RunState;
  readonly spec: FlinkJobSpec;
  parallelism: number;
  /** Records read; what a checkpoint covers is committed to the sink. */
  progress: number;
  checkpoints: number;
  /** Since its newest restart. */
  unbroken: number;
  restarts: number;
  ageMs: number;
  /** How long it has not been running. */
  unreadyMs: number;
  stop?: string;
  /** Trigger id of a savepoint that is being made while it goes on. */
  requested?: string;
}

/** Of a run, from one time that something happens to the next. */
const turnMs = 20_000;

/** Less, so that some savepoints are looked at before the next one may be tried. */
const savepointTurnMs = 1_500;

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
  readonly #savepoints = new Map<string, ObservedSavepoint>();
  readonly #stored: StoredState[] = [];
  readonly #underWay: Extract<JobStep, { kind: 'submit' }>[] = [];
  readonly #random: Random;
  #run = 1;
  #isUp = true;
  #isReadable = true;
  #lastId = 0;
  /** What the sink has seen: all records up to here, exactly once. */
  committed = 0;
  /** Trigger ids of savepoints that were begun while a job went on; in the order in which they were. */
  readonly requested: string[] = [];
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
    else if (step.kind === 'rescale') run.parallelism = widthOf(step);
    else if (step.kind === 'stopWithSavepoint' && !this.#savepoints.has(step.triggerId)) {
      this.#savepoints.set(step.triggerId, { progress: 'IN_PROGRESS', ageMs: 0 });
      run.stop = step.triggerId;
    } else if (step.kind === 'savepoint' && !this.#savepoints.has(step.triggerId)) {
      this.#savepoints.set(step.triggerId, { progress: 'IN_PROGRESS', ageMs: 0 });
      this.requested.push(step.triggerId);
      run.requested = step.triggerId;
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

  #submit(step: Extract<JobStep, { kind: 'submit' }>): void {
    const { jobId, spec, from } = step;
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
      parallelism: widthOf({ parallelism: spec.parallelism, ...step }),
      progress,
      checkpoints: 0,
      unbroken: 0,
      restarts: 0,
      ageMs: 0,
      unreadyMs: 0,
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
    for (const [id, seen] of this.#savepoints) {
      this.#savepoints.set(id, { ...seen, ageMs: seen.ageMs + savepointTurnMs });
    }
    const luck = isHealing ? 0.5 : this.#random.next();
    run.ageMs += turnMs;
    run.unreadyMs = run.state === 'RUNNING' ? 0 : run.unreadyMs + turnMs;
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
    if (isHealing || luck > 0.6) this.#finishRequested(run);
  }

  /** It takes an id, commits nothing, and is nothing that the job is restored from. */
  #finishRequested(run: FakeRun): void {
    if (run.requested === undefined || run.state !== 'RUNNING') return;
    const path = `requested/${++this.#lastId}`;
    this.#savepoints.set(run.requested, { progress: 'COMPLETED', ageMs: 0, path });
    delete run.requested;
  }

  /** Flink restarts a job from its newest complete checkpoint or savepoint. */
  #failOver(run: FakeRun): void {
    run.state = 'RESTARTING';
    run.restarts++;
    run.unbroken = 0;
    run.progress = this.committed;
    if (run.stop !== undefined) this.#savepoints.set(run.stop, { progress: 'FAILED', ageMs: 0 });
    delete run.stop;
    if (run.requested !== undefined) {
      this.#savepoints.set(run.requested, { progress: 'FAILED', ageMs: 0, failure: 'restarted' });
    }
    delete run.requested;
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
    this.#savepoints.set(triggerId, { progress: 'COMPLETED', ageMs: 0 });
    run.state = 'FINISHED';
  }

  #store(jobId: string, run: FakeRun, kind: StatePoint['kind']): void {
    const id = ++this.#lastId;
    this.#stored.push({ jobId, kind, id, path: `${kind}/${jobId}/${id}`, progress: run.progress });
    this.committed = run.progress;
    run.checkpoints++;
    run.unbroken++;
  }
}

function observedRun(run: FakeRun): ObservedRun {
  const { state, parallelism, checkpoints, unbroken, restarts, ageMs, unreadyMs } = run;
  const vertices = { [onlyVertex]: parallelism };
  const seen = {
    ...{ state, parallelism, vertices, checkpoints, restarts, ageMs, isLagGrowing: false },
    unbrokenCheckpoints: unbroken,
  };
  return state === 'RUNNING' ? seen : { ...seen, unreadyMs };
}

/** Jobs have one vertex. */
export const onlyVertex = 'v';

function widthOf(step: { readonly parallelism: number; readonly size?: JobSize }): number {
  return step.size?.parallelism[onlyVertex] ?? step.parallelism;
}
