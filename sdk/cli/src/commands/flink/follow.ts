import { setTimeout as sleep } from 'node:timers/promises';
import { isTesseraError } from '@tessera/base';
import type { TesseraClient } from '@tessera/client';
import type { Command } from 'commander';
import { wholeNumber } from '../../arguments.ts';
import type { CommandContext } from '../../context.ts';
import {
  clusterOfJob,
  clusterOutcome,
  jobOutcome,
  type Outcome,
  waitsForCluster,
} from '../../flink/outcome.ts';
import {
  clusterStanding,
  jobStanding,
  type Standing,
  standingText,
  type WatchedCluster,
  type WatchedJob,
  watchedCluster,
  watchedJob,
} from '../../flink-view.ts';
import { isLed } from '../../health/observe-platform.ts';
import { LiveBlock } from '../../live-block.ts';
import { Since } from '../../since.ts';
import { needsHelp, noLongerFollowed, noScheduler } from './errors.ts';

/** Between looks. */
export const lookMs = 300;
/** What metadata may take to come back while somebody waits. */
const silenceMs = 30_000;

export interface Followed {
  readonly kind: 'cluster' | 'job';
  readonly id: string;
}

export interface FollowOptions {
  readonly wait: boolean;
  readonly patience: string;
  readonly untilStable?: boolean;
}

/** The options of every command that writes what is wanted of Flink and waits for it. */
export function withFollowOptions(command: Command): Command {
  return command
    .option('--no-wait', 'only write down what is wanted; do not wait for it')
    .option(
      '--patience <seconds>',
      'how long something may be in the way that can pass by itself, before the exit code is 5',
      '30',
    );
}

/** @throws BAD_NUMBER */
export function checkFollow(options: FollowOptions): void {
  patienceOf(options);
}

/** In milliseconds. @throws BAD_NUMBER */
export function patienceOf({ patience }: Pick<FollowOptions, 'patience'>): number {
  return wholeNumber(patience, '--patience', { min: 0, max: 86_400 }) * 1000;
}

export type Seen =
  | { readonly kind: 'cluster'; readonly watched: WatchedCluster }
  | {
      readonly kind: 'job';
      readonly watched: WatchedJob;
      /** Looked at while the job waits for it. */
      readonly cluster?: WatchedCluster;
    };

/**
 * Shows how far everything is until all is as wanted.
 * @throws FLINK_NEEDS_HELP when somebody has to do something first, NO_SCHEDULER, FOLLOWING_INTERRUPTED; whatever is thrown, it goes on by itself
 */
export async function follow(
  context: CommandContext,
  all: readonly Followed[],
  options: FollowOptions,
): Promise<readonly Seen[]> {
  const patienceMs = patienceOf(options);
  const block = new LiveBlock(context.terminal);
  const standing = new Since();
  try {
    for (;;) {
      const seen = await patiently(context, () => lookAt(context.client, all));
      const outcomes = seen.map((one) => outcomeOf(one, options.untilStable ?? false));
      if (outcomes.every(({ isDone }) => isDone)) return seen;
      if (!context.options.json) block.show(seen.map((one, i) => progressLine(one, outcomes[i]!)));
      for (const [i, { hindrance }] of outcomes.entries()) {
        const { kind, id } = all[i]!;
        const heldMs = standing.ms(`${kind} ${id}`, hindrance?.reason);
        if (hindrance === undefined || (!hindrance.isLasting && heldMs < patienceMs)) continue;
        throw needsHelp(kind, id, hindrance);
      }
      await checkLed(context, standing, patienceMs);
      await sleep(lookMs, undefined, { signal: context.signal });
    }
  } catch (error) {
    throw context.signal.aborted ? noLongerFollowed() : error;
  } finally {
    block.clear();
  }
}

/** @throws NO_SCHEDULER when none leads for longer than one is patient */
export async function checkLed(
  context: CommandContext,
  standing: Since,
  patienceMs: number,
): Promise<void> {
  const isLeaderless = !(await patiently(context, () => isLed(context.client)));
  const leaderlessMs = standing.ms('scheduler', isLeaderless ? 'none' : undefined);
  if (isLeaderless && leaderlessMs >= patienceMs) throw noScheduler();
}

function lookAt(client: TesseraClient, all: readonly Followed[]): Promise<Seen[]> {
  return Promise.all(
    all.map(async ({ kind, id }): Promise<Seen> => {
      return kind === 'cluster'
        ? { kind, watched: await watchedCluster(client, id) }
        : lookAtJob(client, id);
    }),
  );
}

async function lookAtJob(client: TesseraClient, id: string): Promise<Seen> {
  const watched = await watchedJob(client, id);
  if (!waitsForCluster(watched)) return { kind: 'job', watched };
  const cluster = await watchedCluster(client, clusterOfJob(watched));
  return { kind: 'job', watched, cluster };
}

/** Daemons are restarted while somebody waits: that they do not answer for a while is no end. */
export async function patiently<T>({ signal }: CommandContext, look: () => Promise<T>): Promise<T> {
  const since = new Since();
  for (;;) {
    try {
      return await look();
    } catch (error) {
      const isSilent = isTesseraError(error, 'DAEMON_UNAVAILABLE');
      if (!isSilent || signal.aborted || since.ms('metadata', 'silent') >= silenceMs) throw error;
      await sleep(lookMs, undefined, { signal });
    }
  }
}

function outcomeOf(seen: Seen, untilStable: boolean): Outcome {
  return seen.kind === 'cluster'
    ? clusterOutcome(seen.watched)
    : jobOutcome(seen.watched, { untilStable, cluster: seen.cluster });
}

/** What runs well and is not done has still to prove stable. */
function progressLine(seen: Seen, { isDone }: Outcome): string {
  const line = lineOf(seen);
  const isUnproved = !isDone && line.endsWith(': RUNNING');
  return isUnproved ? `${line}, waits for checkpoints that prove it stable` : line;
}

function lineOf(seen: Seen): string {
  const standing: Standing =
    seen.kind === 'cluster' ? clusterStanding(seen.watched) : jobStanding(seen.watched);
  return `${seen.kind} ${seen.watched.name}: ${standingText(standing)}`;
}

/** What all has come to. */
export function finalText(seen: readonly Seen[]): string {
  return seen.map(lineOf).join('\n');
}
