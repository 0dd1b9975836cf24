import { Code, isTesseraError, TesseraError } from '@tessera/base';
import { pages, type TesseraClient } from '@tessera/client';
import { diffResources, printDiff, type Resource } from '@tessera/cube';
import type { metadata } from '@tessera/proto';
import type { Command } from 'commander';
import { wholeNumber } from '../arguments.ts';
import { deploymentFromProto } from '../deployment-resources.ts';
import { rolloutState, runningDiff, statusText } from '../deployment-view.ts';
import { isLed } from '../health/observe-platform.ts';
import { timeText } from '../host-view.ts';
import type { Runner } from '../runner.ts';
import { changesOf } from '../version-changes.ts';

/** deployment: how far it is carried out, its versions, and going back. */
export function deploymentCommands(program: Command, run: Runner): void {
  const deployment = program
    .command('deployment')
    .description('daemons on hosts: how far they are as wanted, versions, going back');
  statusCommand(deployment, run);
  diffCommand(deployment, run);

  deployment
    .command('history')
    .description('list the versions of a deployment, newest first')
    .argument('<name>')
    .addHelpText('after', '\nExample:\n  tessera deployment history cluster\n')
    .action(
      run(async (context, name: string) => {
        const versions = await versionsOf(context.client, name);
        const resources = versions.map(shownOf);
        context.print(
          ['VERSION', 'WRITTEN', 'CHANGES'],
          versions.map((version, i) => [
            String(version.version),
            timeText(version.updateTime),
            changesOf(versions, resources, i),
          ]),
          versions,
        );
      }),
    );

  deployment
    .command('rollback')
    .description('make what an older version says wanted again, as a new version')
    .argument('<name>')
    .argument('<version>')
    .addHelpText('after', '\nExample:\n  tessera deployment rollback cluster 1\n')
    .action(
      run(async (context, name: string, to: string) => {
        const version = BigInt(versionOf(to, '<version>'));
        const written = await context.client.deployments.rollbackDeployment({
          name: `deployments/${name}`,
          version,
        });
        context.say(
          `deployment ${name} is wanted as in version ${to} again, as version ${written.version}`,
          written,
        );
      }),
    );
}

/** How far a deployment is carried out, for people. */
export async function deploymentText(client: TesseraClient, id: string): Promise<string> {
  const name = `deployments/${id}`;
  const [wanted, status, led] = await Promise.all([
    client.deployments.getDeployment({ name }),
    statusOf(client, id),
    isLed(client),
  ]);
  return statusText(wanted, status, led);
}

function statusCommand(deployment: Command, run: Runner): void {
  deployment
    .command('status')
    .description(
      'what runs where, what does not, and what was changed by hand (exit code 1: not all runs as wanted)',
    )
    .argument('<name>')
    .addHelpText('after', '\nExample:\n  tessera deployment status cluster\n')
    .action(
      run(async (context, name: string) => {
        const wanted = await context.client.deployments.getDeployment({
          name: `deployments/${name}`,
        });
        const [status, led] = await Promise.all([
          statusOf(context.client, name),
          isLed(context.client),
        ]);
        const isCurrent =
          status !== undefined &&
          status.version === wanted.version &&
          ['CURRENT', 'PAUSED'].includes(rolloutState(status));
        if (!isCurrent) process.exitCode = 1;
        if (!context.options.json) context.terminal.out(statusText(wanted, status, led));
        else {
          const { version, processes = [], drifts = [], message = '' } = status ?? {};
          const state = status === undefined ? 'UNKNOWN' : rolloutState(status);
          const seen = { state, message, seenVersion: version, processes, drifts };
          context.say('', { name: wanted.name, version: wanted.version, isLed: led, ...seen });
        }
      }),
    );
}

function diffCommand(deployment: Command, run: Runner): void {
  deployment
    .command('diff')
    .description(
      'what differs between two versions, or between the newest and what really runs (exit code 1: something)',
    )
    .argument('<name>')
    .argument('[from]', 'version; without: what runs is compared')
    .argument('[to]', 'version; default: the newest')
    .addHelpText('after', '\nExample:\n  tessera deployment diff cluster 1 2\n')
    .action(
      run(async (context, name: string, from: string | undefined, to: string | undefined) => {
        const { client } = context;
        if (from === undefined) {
          const status = await statusOf(client, name);
          const text = status === undefined ? '' : runningDiff(status);
          if (status === undefined) throw notSeen(name);
          context.say(text === '' ? 'no difference' : text, status.processes);
          if (text !== '') process.exitCode = 1;
          return;
        }
        const [older, newer] = [versionOf(from, '<from>'), to && versionOf(to, '<to>')];
        const before = await resourceOf(client, name, older);
        const after = await resourceOf(client, name, newer || 0);
        const diffs = diffResources([before], [after]);
        context.say(diffs.length === 0 ? 'no difference' : printDiff(diffs), { diffs });
        if (diffs.length > 0) process.exitCode = 1;
      }),
    );
}

function versionOf(text: string, argument: string): number {
  return wholeNumber(text, argument, { min: 1 });
}

async function resourceOf(client: TesseraClient, id: string, version: number): Promise<Resource> {
  const name = `deployments/${id}`;
  return shownOf(await client.deployments.getDeployment({ name, version: BigInt(version) }));
}

/** Whether it is paused is no part of a version. */
function shownOf(deployment: metadata.Deployment): Resource {
  return deploymentFromProto({ ...deployment, paused: false });
}

async function statusOf(
  { deployments }: TesseraClient,
  id: string,
): Promise<metadata.DeploymentStatus | undefined> {
  try {
    return await deployments.getDeploymentStatus({ name: `deployment-statuses/${id}` });
  } catch (error) {
    if (isTesseraError(error, 'DEPLOYMENT_STATUS_NOT_FOUND')) return undefined;
    throw error;
  }
}

/** Newest first. */
async function versionsOf(
  { deployments }: TesseraClient,
  id: string,
): Promise<metadata.Deployment[]> {
  const name = `deployments/${id}`;
  const found = pages(async (pageToken) => {
    const page = await deployments.listDeploymentVersions({ name, pageSize: 1000, pageToken });
    return { items: page.deployments, nextPageToken: page.nextPageToken };
  });
  return Array.fromAsync(found);
}

function notSeen(name: string): TesseraError {
  return new TesseraError({
    code: Code.FAILED_PRECONDITION,
    reason: 'DEPLOYMENT_NOT_SEEN',
    message: `No scheduler has looked at deployment ${name} yet: does one run? 'tessera status' shows it.`,
    metadata: { deployment: name },
  });
}
