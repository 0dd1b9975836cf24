import type { metadata, Timestamp, host as wire } from '@tessera/proto';
import type { SeenHost, SeenProcess } from '../hosts/observe-hosts.ts';
import { differencesOf, variables } from '../hosts/process-spec.ts';
import type { Placement } from './wanted.ts';

/**
 * Drift: what others than the deployment have changed of its processes. It is told from a change that the deployment
 * itself is about by what a process was started as, which is written in its environment, and by what was seen last.
 */

/** Of one deployment; older ones are forgotten. */
const maxDrifts = 50;

export interface DriftView {
  readonly placements: readonly Placement[];
  readonly hosts: readonly SeenHost[];
  /** As it was written last. */
  readonly before: Pick<metadata.DeploymentStatus, 'processes' | 'drifts'> | undefined;
  readonly now: Timestamp;
}

/** All drifts that are known of: new ones first, and those marked that are mended by now. */
export function driftsOf(view: DriftView): metadata.Drift[] {
  const found = view.placements.flatMap((placement) => foundOf(placement, view));
  const known = (view.before?.drifts ?? []).map((drift) => {
    const isOpen = drift.mendedTime === undefined && found.some((one) => isSame(one, drift));
    if (isOpen || drift.mendedTime !== undefined) return drift;
    return isMended(drift, view) ? { ...drift, mendedTime: view.now } : drift;
  });
  const fresh = found.filter(
    (one) => !known.some((drift) => drift.mendedTime === undefined && isSame(drift, one)),
  );
  return [...fresh, ...known].slice(0, maxDrifts);
}

function foundOf(placement: Placement, view: DriftView): metadata.Drift[] {
  return view.hosts.flatMap((host) => {
    const wanted = placement.on.get(host.name);
    if (wanted === undefined || host.processes === undefined) return [];
    const process = host.processes.get(placement.processId);
    const name = `processes/${placement.processId}`;
    const last = view.before?.processes.find(
      (one) => one.host === host.name && one.process === name,
    );
    const reason = process === undefined ? deleted(last) : changed(process, wanted);
    if (reason === undefined) return [];
    return [
      {
        host: host.name,
        process: name,
        ...reason,
        ...{ foundTime: view.now, mendedTime: undefined },
      },
    ];
  });
}

type Reason = Pick<metadata.Drift, 'reason' | 'message'>;

/** The deployment deletes only what is not wanted any more. */
function deleted(last: metadata.DeployedProcess | undefined): Reason | undefined {
  if (
    last === undefined ||
    last.surplus ||
    ['MISSING', 'FETCHING', 'HOST_GONE'].includes(last.state)
  )
    return undefined;
  return { reason: 'DELETED_BY_HAND', message: 'It is not on the host any more.' };
}

function changed(process: SeenProcess, wanted: wire.ProcessSpec): Reason | undefined {
  const claimed = process.spec?.environment[variables.fingerprint];
  const differences = differencesOf(process.spec, wanted).join('; ');
  if (claimed === undefined) {
    const message = `It was not started by the deployment: ${differences}.`;
    return { reason: 'STARTED_BY_HAND', message };
  }
  if (claimed !== process.fingerprint) {
    return { reason: 'CHANGED_BY_HAND', message: `It was started otherwise: ${differences}.` };
  }
  if (process.state === 'RUNNING' && process.changedFiles.length > 0) {
    const message = `Changed or removed: ${process.changedFiles.join(', ')}.`;
    return { reason: 'FILE_CHANGED_BY_HAND', message };
  }
  const isStopped = process.state === 'STOPPED' || process.state === 'EXITED';
  if (isStopped && claimed === wanted.environment[variables.fingerprint]) {
    return { reason: 'STOPPED_BY_HAND', message: 'It was stopped, and is wanted.' };
  }
  return undefined;
}

/** It runs as it is wanted, or is not wanted there any more. */
function isMended({ host, process }: metadata.Drift, { placements, hosts }: DriftView): boolean {
  const placement = placements.find(({ processId }) => `processes/${processId}` === process);
  const wanted = placement?.on.get(host);
  if (wanted === undefined) return true;
  const seen = hosts.find(({ name }) => name === host)?.processes?.get(placement!.processId);
  return (
    seen?.state === 'RUNNING' &&
    seen.changedFiles.length === 0 &&
    seen.fingerprint === wanted.environment[variables.fingerprint] &&
    seen.spec?.environment[variables.fingerprint] === seen.fingerprint
  );
}

function isSame(a: metadata.Drift, b: metadata.Drift): boolean {
  return a.host === b.host && a.process === b.process && a.reason === b.reason;
}
