import { fenced } from '../errors.ts';

/** The lease that somebody acts under, and the token that he was given with it. */
export interface Fence {
  readonly lease: string;
  readonly token: bigint;
}

/** Keeps the newest token of each lease beyond the life of this process. */
export interface TokenMemory {
  read(): Promise<ReadonlyMap<string, bigint>>;
  /** Resolves when it is durable. */
  write(tokens: ReadonlyMap<string, bigint>): Promise<void>;
}

interface Newest {
  readonly token: bigint;
  /** Resolves when the token is remembered and nothing of an older one goes on. */
  readonly ready: Promise<void>;
  readonly running: Set<Promise<unknown>>;
  /** Aborted when a larger token was seen. */
  readonly overtaken: AbortController;
}

/**
 * Keeps those out who were deposed and do not know it. The largest token of a lease that was ever seen here is
 * remembered; work with a smaller one is refused, and what of it is going on ends before work of a larger one begins: long
 * work is told to end by its signal. So whatever a new leader finds or leaves here, no older one changes afterwards, however late its calls arrive.
 */
export class FenceGuard {
  readonly #memory: TokenMemory;
  readonly #newest: Map<string, Newest>;
  #writing: Promise<void> = Promise.resolve();

  static async open(memory: TokenMemory): Promise<FenceGuard> {
    return new FenceGuard(memory, await memory.read());
  }

  private constructor(memory: TokenMemory, tokens: ReadonlyMap<string, bigint>) {
    this.#memory = memory;
    const remembered = [...tokens].map(([lease, token]) => [lease, firstOf(token)] as const);
    this.#newest = new Map(remembered);
  }

  /**
   * Work without a fence is nobody's in particular and always runs. The signal of other work is aborted, with FENCED,
   * when a newer holder of the lease comes. @throws ABORTED FENCED.
   */
  async run<T>(fence: Fence | undefined, work: (overtaken: AbortSignal) => Promise<T>): Promise<T> {
    if (fence === undefined) return work(new AbortController().signal);
    const { running, overtaken } = await this.#admit(fence);
    const done = work(overtaken.signal);
    const settled = done.then(
      () => {},
      () => {},
    );
    running.add(settled);
    void settled.then(() => running.delete(settled));
    return done;
  }

  async #admit({ lease, token }: Fence): Promise<Newest> {
    const known = this.#newest.get(lease) ?? firstOf(0n);
    if (token <= 0n || token < known.token) throw fenced(lease, token);
    const newest = token === known.token ? known : this.#raise(lease, token, known);
    await newest.ready;
    if (this.#newest.get(lease) !== newest) throw fenced(lease, token);
    return newest;
  }

  #raise(lease: string, token: bigint, older: Newest): Newest {
    older.overtaken.abort(fenced(lease, older.token));
    const newest = { ...firstOf(token), ready: this.#replace(older) };
    const { ready } = newest;
    this.#newest.set(lease, newest);
    ready.catch(() => {
      // It could not be remembered, so nobody has acted by it.
      if (this.#newest.get(lease) === newest) this.#newest.set(lease, older);
    });
    return newest;
  }

  async #replace(older: Newest): Promise<void> {
    await Promise.all(older.running);
    const write = () =>
      this.#memory.write(new Map([...this.#newest].map(([lease, { token }]) => [lease, token])));
    this.#writing = this.#writing.then(write, write);
    await this.#writing;
  }
}

function firstOf(token: bigint): Newest {
  return {
    token,
    ready: Promise.resolve(),
    running: new Set(),
    overtaken: new AbortController(),
  };
}
