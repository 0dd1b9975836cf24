import {
  checkedAnswer,
  type ScalingDecision,
  type ScalingInput,
  type ScalingProposal,
  type StrategyFailure,
  type StrategyOutcome,
  type VetoOutcome,
} from '@tessera/scaling';
import type { PluginEntry } from '../plugin-host.ts';
import { PluginThread, type PluginThreadOptions, type ThreadAnswer } from './plugin-thread.ts';
import type { PluginDescription } from './plugin-worker-messages.ts';

/** Asks a strategy that may throw, hang or eat memory. */
export class StrategyRunner implements AsyncDisposable {
  readonly #thread: PluginThread;

  constructor(entry: PluginEntry<'strategy'>, options: PluginThreadOptions) {
    this.#thread = new PluginThread(entry, options);
  }

  /** `learned` is JSON, as it is stored. Never rejects: what went wrong is the outcome. */
  async ask(input: ScalingInput, learned: string | undefined): Promise<StrategyOutcome> {
    const answer = await this.#thread.call({ method: 'decide', input, learned });
    switch (answer.kind) {
      case 'answer': // Whatever it is: limits check it.
        return { kind: 'decided', decision: answer.value as ScalingDecision };
      default:
        return failureOf(answer);
    }
  }

  /** Loads the strategy: its version and options, or why it cannot be asked. Never rejects. */
  async describe(): Promise<PluginDescription | StrategyFailure> {
    const described = await this.#thread.describe();
    if (!('kind' in described)) return described;
    return failureOf(described.kind === 'answer' ? noDescription : described);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#thread[Symbol.asyncDispose]();
  }
}

type NoAnswer = Exclude<ThreadAnswer, { kind: 'answer' }>;
const noDescription: NoAnswer = { kind: 'threw', message: 'it does not say what it is' };

function failureOf(answer: NoAnswer): StrategyFailure {
  if (answer.kind === 'threw') {
    const message = `The strategy threw: ${answer.message}`;
    return { kind: 'failed', code: 'STRATEGY_FAILED', message };
  }
  const message = `The strategy was ended, as it gave no answer within ${answer.afterMs} ms.`;
  return { kind: 'failed', code: 'STRATEGY_TIMED_OUT', message };
}

/** Asks a veto likewise; one that gives no answer holds back what it is asked about. */
export class VetoRunner implements AsyncDisposable {
  readonly #name: string;
  readonly #thread: PluginThread;

  constructor(entry: PluginEntry<'veto'>, options: PluginThreadOptions) {
    this.#name = entry.name;
    this.#thread = new PluginThread(entry, options);
  }

  /** Loads the veto: its version and options, or why it cannot be asked. Never rejects. */
  async describe(): Promise<PluginDescription | { readonly failed: string }> {
    const described = await this.#thread.describe();
    if (!('kind' in described)) return described;
    return { failed: saidOf(described.kind === 'answer' ? noDescription : described) };
  }

  /** Never rejects. */
  async ask(proposal: ScalingProposal): Promise<VetoOutcome> {
    const answer = await this.#thread.call({ method: 'review', proposal });
    switch (answer.kind) {
      case 'answer':
        return { veto: this.#name, answer: checkedAnswer(answer.value) };
      default:
        return { veto: this.#name, answer: { failed: saidOf(answer) } };
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#thread[Symbol.asyncDispose]();
  }
}

function saidOf(answer: NoAnswer): string {
  return answer.kind === 'threw'
    ? `it threw: ${answer.message}`
    : `no answer within ${answer.afterMs} ms`;
}
