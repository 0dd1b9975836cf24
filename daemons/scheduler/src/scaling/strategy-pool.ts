import {
  type PluginDescription,
  type PluginEntry,
  type PluginThreadOptions,
  StrategyRunner,
  VetoRunner,
} from '@tessera/daemon';
import type {
  ScalingInput,
  ScalingProposal,
  StrategyFailure,
  StrategyOutcome,
  VetoOutcome,
} from '@tessera/scaling';

/** Whom jobs ask for their size. */
export type Strategies = Pick<StrategyPool, 'describe' | 'ask' | 'review' | 'keep'>;

/** Strategies and vetoes that jobs use. Those of the same package with the same options share one thread: they are pure. */
export class StrategyPool implements AsyncDisposable {
  readonly #options: PluginThreadOptions;
  readonly #strategies = new Map<string, StrategyRunner>();
  readonly #vetoes = new Map<string, VetoRunner>();

  constructor(options: PluginThreadOptions) {
    this.#options = options;
  }

  /** What it is, or why it cannot be asked. */
  describe(entry: PluginEntry<'strategy'>): Promise<PluginDescription | StrategyFailure> {
    return this.#strategy(entry).describe();
  }

  ask(
    entry: PluginEntry<'strategy'>,
    input: ScalingInput,
    learned: string | undefined,
  ): Promise<StrategyOutcome> {
    return this.#strategy(entry).ask(input, learned);
  }

  review(entry: PluginEntry<'veto'>, proposal: ScalingProposal): Promise<VetoOutcome> {
    return this.#veto(entry).ask(proposal);
  }

  /** Ends those that nobody uses any more. */
  async keep(entries: readonly PluginEntry<'strategy' | 'veto'>[]): Promise<void> {
    const used = new Set(entries.map(keyOf));
    const ended = [...unused(this.#strategies, used), ...unused(this.#vetoes, used)];
    await Promise.all(ended.map((runner) => runner[Symbol.asyncDispose]()));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.keep([]);
  }

  #strategy(entry: PluginEntry<'strategy'>): StrategyRunner {
    const key = keyOf(entry);
    const known = this.#strategies.get(key) ?? new StrategyRunner(entry, this.#options);
    this.#strategies.set(key, known);
    return known;
  }

  #veto(entry: PluginEntry<'veto'>): VetoRunner {
    const key = keyOf(entry);
    const known = this.#vetoes.get(key) ?? new VetoRunner(entry, this.#options);
    this.#vetoes.set(key, known);
    return known;
  }
}

const keyOf = (entry: PluginEntry): string => JSON.stringify(entry);

/** Those that are not used, taken out. */
function unused<Runner>(runners: Map<string, Runner>, used: ReadonlySet<string>): Runner[] {
  const old = [...runners].filter(([key]) => !used.has(key));
  for (const [key] of old) runners.delete(key);
  return old.map(([, runner]) => runner);
}
