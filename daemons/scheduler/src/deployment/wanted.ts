import { createHash } from 'node:crypto';
import { resourceIdOf } from '@tessera/base';
import { host, type metadata } from '@tessera/proto';
import type { DeploymentWanted } from './decide.ts';

/** Between a deployment and the processes that it stands for. */

/** Says of a process whose it is. */
export const ownerVariable = 'TESSERA_DEPLOYMENT';
/** Says how it is to be run. */
export const fingerprintVariable = 'TESSERA_DEPLOYMENT_FINGERPRINT';

export function processIdOf(deployment: string, daemon: string): string {
  return `${deployment}.${daemon}`;
}

export function wantedOf({ name, daemons, paused }: metadata.Deployment): DeploymentWanted {
  return {
    isPaused: paused,
    daemons: daemons.map((daemon) => ({
      processId: processIdOf(resourceIdOf(name), daemon.name),
      hosts: daemon.hosts ?? { labels: {}, racks: [], hosts: [], limit: 0 },
      fingerprint: fingerprintOf(daemon),
      maxUnavailable: daemon.maxUnavailable || 1,
    })),
  };
}

/** Where and how many at once is no part of how a daemon is run. */
export function fingerprintOf(daemon: metadata.DaemonSpec): string {
  const { argv, environment, version, gracePeriod } = daemon;
  const sorted = Object.entries(environment).sort(([a], [b]) => (a < b ? -1 : 1));
  const graceText = gracePeriod && `${gracePeriod.seconds}.${gracePeriod.nanos}`;
  const text = JSON.stringify([argv, sorted, version, graceText]);
  return createHash('sha256').update(text).digest('hex').slice(0, 16);
}

/** A daemon is kept running whatever happens to it. */
export function specOf(deployment: string, daemon: metadata.DaemonSpec): host.ProcessSpec {
  return host.ProcessSpec.fromPartial({
    argv: daemon.argv,
    environment: {
      ...daemon.environment,
      [ownerVariable]: deployment,
      [fingerprintVariable]: fingerprintOf(daemon),
    },
    restart: { mode: host.RestartMode.RESTART_MODE_ALWAYS },
    gracePeriod: daemon.gracePeriod,
  });
}
