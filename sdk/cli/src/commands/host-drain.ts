import { setTimeout as sleep } from 'node:timers/promises';
import { Code, resourceIdOf, TesseraError } from '@tessera/base';
import type { Command } from 'commander';
import type { CommandContext } from '../context.ts';
import { hostName } from '../host-connection.ts';
import { observeDrain } from '../host-drain.ts';
import type { Runner } from '../runner.ts';
import { Since } from '../since.ts';
import {
  checkLed,
  type FollowOptions,
  patienceOf,
  patiently,
  withFollowOptions,
} from './flink/follow.ts';

const intervalMs = 1_000;

/** host drain, undrain: Flink leaves a host, or may use it again. */
export function hostDrainCommands(host: Command, run: Runner): void {
  withFollowOptions(
    host
      .command('drain')
      .description(
        'let Flink leave a host: replacements start elsewhere, jobs move with their state; waits until nothing of it is there',
      )
      .argument('<host>'),
  )
    .addHelpText('after', '\nExample:\n  tessera host drain node3\n')
    .action(
      run(async (context, id: string, options: FollowOptions) => {
        const patienceMs = patienceOf(options);
        const host = await setDraining(context, id, true);
        if (options.wait) await untilDrained(context, id, patienceMs);
        const left = await observeDrain(context.client, host.name);
        const words = left.processes.length === 0 ? 'nothing of Flink is there' : left.words;
        context.say(`draining ${id}: ${words}`, { ...host, left });
      }),
    );

  host
    .command('undrain')
    .description('let Flink use a host again')
    .argument('<host>')
    .addHelpText('after', '\nExample:\n  tessera host undrain node3\n')
    .action(
      run(async (context, id: string) => {
        const host = await setDraining(context, id, false);
        context.say(`no longer draining ${id}`, host);
      }),
    );
}

function setDraining({ client }: CommandContext, id: string, draining: boolean) {
  const host = { name: hostName(resourceIdOf(id)), draining };
  return client.hosts.updateHost({ host, updateMask: ['draining'] });
}

/**
 * Says what it waits for whenever that is something else.
 * @throws HOST_DRAIN_BLOCKED when there has been no room elsewhere for so long, NO_SCHEDULER, FOLLOWING_INTERRUPTED; whatever is thrown, the drain goes on
 */
async function untilDrained(
  context: CommandContext,
  id: string,
  patienceMs: number,
): Promise<void> {
  const host = hostName(resourceIdOf(id));
  const standing = new Since();
  let said = '';
  try {
    for (;;) {
      const look = () => observeDrain(context.client, host);
      const { processes, words, isBlocked } = await patiently(context, look);
      if (processes.length === 0) return;
      if (words !== said && !context.options.json) context.terminal.out(`${words}\n`);
      said = words;
      const blockedMs = standing.ms('drain', isBlocked ? 'blocked' : undefined);
      if (isBlocked && blockedMs >= patienceMs) throw drainBlocked(id, words);
      await checkLed(context, standing, patienceMs);
      await sleep(intervalMs, undefined, { signal: context.signal });
    }
  } catch (error) {
    throw context.signal.aborted ? drainNotFollowed(id) : error;
  }
}

function drainBlocked(host: string, words: string): TesseraError {
  return new TesseraError({
    code: Code.FAILED_PRECONDITION,
    reason: 'HOST_DRAIN_BLOCKED',
    message: `Host ${host} is not drained: ${words.replace(/\.?$/, '.')} ${howToGoOn(host)}`,
    metadata: { host },
  });
}

function drainNotFollowed(host: string): TesseraError {
  return new TesseraError({
    code: Code.CANCELLED,
    reason: 'FOLLOWING_INTERRUPTED',
    message: `No longer followed. ${howToGoOn(host)}`,
    metadata: { host },
  });
}

const howToGoOn = (host: string): string =>
  `The drain goes on by itself: 'tessera host drain ${host}' follows it again, 'tessera host undrain ${host}' takes it back.`;
