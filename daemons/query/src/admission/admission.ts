import type { Clock } from '@tessera/base';
import { queryCancelled, queryNotRunning, queryTimeout } from '../errors.ts';
import { Lane } from './lane.ts';
import { MemoryBudget, type MemoryLimits, type StatementMemory } from './memory-budget.ts';
import type { QueryLimits, RunningQuery } from './running-query.ts';

export interface AdmissionConfig extends MemoryLimits {
  /** Small statements that run at the same time: heavy ones never have their places. */
  readonly maxRunning: number;
  /** Heavy statements that run at the same time. */
  readonly maxHeavy: number;
  /** Predicted work from which on a statement is heavy. */
  readonly heavyMs: number;
  /** Statements that may wait for a place of either kind, in all and of one user. */
  readonly maxQueued: number;
  readonly maxQueuedPerUser: number;
}

export interface AdmissionRequest {
  readonly id: string;
  readonly project: string;
  readonly sql: string;
  /** Who asks: those who wait take turns by it. */
  readonly user: string;
}

/** What a statement holds while it runs; given back by disposal. */
export interface Admitted extends Disposable {
  readonly query: RunningQuery;
  /** Aborts with the reason (QUERY_TIMEOUT, QUERY_CANCELLED, or the caller's own) that the query ends with. */
  readonly signal: AbortSignal;
  readonly memory: StatementMemory;
  /** True: it has one of the heavy places. */
  readonly heavy: boolean;
  /**
   * Tells how much work the statement is predicted to be. A heavy one gives its place back and waits for one of those,
   * again when it turns out heavy later. True: it waited, so what it was planned with may be old.
   * @throws as `admit`
   */
  weigh(predictedMs: number): Promise<boolean>;
  /** Work that goes on after the answer, as what does not heed the signal does: the place is kept until it has ended as well. */
  outlivedBy(work: Promise<unknown>): void;
  /** Gives the place back; the answer is still to be sent, within the same deadline. */
  finish(): void;
}

/** More turns than this no statement is charged, however heavy it is. */
const maxCost = 100;

/**
 * The door of the daemon. Every statement enters by the small lane, where it is planned; one that is predicted to be
 * heavy goes on in the heavy lane, so that those who ask little never wait for those who ask much. What waits is
 * bounded, takes turns by user, has a deadline, and can be cancelled by id.
 */
export class Admission {
  readonly #config: AdmissionConfig;
  readonly #clock: Clock;
  readonly #small: Lane;
  readonly #heavy: Lane;
  readonly #memory: MemoryBudget;
  readonly #queries = new Map<string, { query: RunningQuery; abort: AbortController }>();

  constructor(config: AdmissionConfig, clock: Clock) {
    const { maxQueued: maxWaiting, maxQueuedPerUser: maxWaitingPerFlow } = config;
    const queue = { maxWaiting, maxWaitingPerFlow };
    this.#config = config;
    this.#clock = clock;
    this.#small = new Lane({ places: config.maxRunning, ...queue }, clock);
    this.#heavy = new Lane({ places: config.maxHeavy, ...queue }, clock);
    this.#memory = new MemoryBudget(config);
  }

  /** Bytes that statements hold. */
  get heldBytes(): number {
    return this.#memory.heldBytes;
  }

  /** @throws QUERY_QUEUE_FULL, QUERY_CANNOT_START, QUERY_TIMEOUT, QUERY_CANCELLED */
  async admit(
    { user, ...request }: AdmissionRequest,
    { timeoutMs }: Pick<QueryLimits, 'timeoutMs'>,
    caller?: AbortSignal,
  ): Promise<Admitted> {
    using stack = new DisposableStack();
    const startedMs = this.#clock.monotonicMs();
    const startedAt = this.#clock.now();
    const query: RunningQuery = { ...request, startedAt, state: 'QUEUED', rowCount: 0n };
    const signal = this.#register(query, timeoutMs, caller, stack);
    const enter = (lane: Lane, cost: number) => {
      const remainingMs = startedMs + timeoutMs - this.#clock.monotonicMs();
      return lane.enter({ user, cost, remainingMs }, signal);
    };
    let leave: (() => void) | undefined = await enter(this.#small, 1);
    query.state = 'PLANNING';
    const unended: Promise<unknown>[] = [];
    const finish = () => {
      const giveBack = leave;
      leave = undefined;
      if (giveBack === undefined || unended.length === 0) giveBack?.();
      else void Promise.allSettled(unended).then(giveBack);
    };
    stack.defer(finish);
    let heavy = false;
    const weigh = async (predictedMs: number) => {
      const cost = predictedMs / this.#config.heavyMs;
      if (heavy || cost < 1) return false;
      heavy = true;
      finish();
      query.state = 'QUEUED';
      leave = await enter(this.#heavy, Math.min(cost, maxCost));
      query.state = 'PLANNING';
      return true;
    };
    const memory = stack.use(this.#memory.open());
    const held = stack.move();
    return {
      ...{ query, signal, memory, weigh, finish },
      outlivedBy: (work) => unended.push(work),
      get heavy() {
        return heavy;
      },
      [Symbol.dispose]: () => held.dispose(),
    };
  }

  running(): readonly RunningQuery[] {
    return [...this.#queries.values()].map(({ query }) => query);
  }

  /** @throws QUERY_NOT_RUNNING when it has ended already or never was. */
  cancel(id: string): void {
    const found = this.#queries.get(id);
    if (found === undefined) throw queryNotRunning(id);
    found.abort.abort(queryCancelled(id));
  }

  /** Lists the statement until `stack` is disposed. The signal aborts by deadline, by id, or with the caller's. */
  #register(
    query: RunningQuery,
    timeoutMs: number,
    caller: AbortSignal | undefined,
    stack: DisposableStack,
  ): AbortSignal {
    const { id } = query;
    const abort = new AbortController();
    const cancel = () => abort.abort(queryCancelled(id));
    if (caller?.aborted) cancel();
    caller?.addEventListener('abort', cancel, { once: true });
    const expire = () => abort.abort(queryTimeout(timeoutMs));
    const timer = setTimeout(expire, Math.min(timeoutMs, 2 ** 31 - 1));
    const entry = { query, abort };
    this.#queries.set(id, entry);
    stack.defer(() => {
      clearTimeout(timer);
      caller?.removeEventListener('abort', cancel);
      if (this.#queries.get(id) === entry) this.#queries.delete(id);
    });
    return abort.signal;
  }
}
