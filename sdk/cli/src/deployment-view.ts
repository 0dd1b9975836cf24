import { resourceIdOf } from '@tessera/base';
import { metadata } from '@tessera/proto';
import { timeText } from './host-view.ts';
import { formatTable } from './table.ts';

/** How the progress of deployments is shown to people. */

/** Such as `CHANGING`. */
export function rolloutState({ state }: Pick<metadata.DeploymentStatus, 'state'>): string {
  const known = Object.entries(metadata.RolloutState).find(([, value]) => value === state);
  return known?.[0].replace('ROLLOUT_STATE_', '') ?? `${state}`;
}

/** Processes, and below them what differs, what was changed by hand, and why it does not go on. */
export function statusText(
  deployment: metadata.Deployment,
  status: metadata.DeploymentStatus | undefined,
  isLed: boolean,
): string {
  const id = resourceIdOf(deployment.name);
  const silent = isLed ? '' : 'No scheduler leads: this is what was seen last.\n';
  if (status === undefined) {
    return `${id}: version ${deployment.version} is wanted; no scheduler has looked at it yet\n${silent}`;
  }
  const seen =
    status.version === deployment.version
      ? ''
      : `, version ${status.version} when it was seen last`;
  const rows = status.processes.map((process) => [
    process.daemon,
    resourceIdOf(process.host),
    process.state,
    noteOf(process),
  ]);
  return [
    `${id}: ${rolloutState(status)}, version ${deployment.version} is wanted${seen}\n`,
    status.message === '' ? '' : `${status.message}\n`,
    silent,
    `\n${formatTable(['DAEMON', 'HOST', 'STATE', 'NOTE'], rows)}`,
    driftsText(status.drifts),
  ].join('');
}

function noteOf({ surplus, differences }: metadata.DeployedProcess): string {
  if (surplus) return 'not wanted any more';
  return differences.length === 0 ? '' : 'runs otherwise than wanted';
}

function driftsText(drifts: readonly metadata.Drift[]): string {
  if (drifts.length === 0) return '';
  const rows = drifts.map(({ foundTime, mendedTime, host, process, reason, message }) => [
    timeText(foundTime),
    mendedTime === undefined ? 'not yet' : timeText(mendedTime),
    resourceIdOf(host),
    resourceIdOf(process),
    reason,
    message,
  ]);
  return `\n${formatTable(['CHANGED BY HAND', 'MENDED', 'HOST', 'PROCESS', 'REASON', 'WHAT'], rows)}`;
}

/** What really runs otherwise than it is wanted, process by process; empty: nothing. */
export function runningDiff({ processes }: metadata.DeploymentStatus): string {
  return processes
    .filter(({ state, differences, surplus }) => {
      return state !== 'RUNNING' || differences.length > 0 || surplus;
    })
    .map(({ host, process, state, differences, surplus }) => {
      const title = `${resourceIdOf(process)} on ${resourceIdOf(host)}: ${state}`;
      const lines = differences.map((difference) => `    ~ ${difference}`);
      return [surplus ? `- ${title}, not wanted any more` : `~ ${title}`, ...lines].join('\n');
    })
    .join('\n');
}
