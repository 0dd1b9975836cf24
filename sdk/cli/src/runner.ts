import type { Command } from 'commander';
import type { CommandContext } from './context.ts';

/** What a command does; its failures are printed and become the exit code. */
export type Action<Args extends unknown[]> = (
  context: CommandContext,
  ...args: Args
) => Promise<void>;

/** Adds the commands of one subject. */
export type Subject = (program: Command, run: Runner) => void;

/** Wraps an action for commander: makes its context, and turns a failure into output and an exit code. */
export type Runner = <Args extends unknown[]>(
  action: Action<Args>,
) => (...args: unknown[]) => Promise<void>;
