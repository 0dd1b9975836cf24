import type { SeenHost, SeenProcess } from '../hosts/observe-hosts.ts';
import { variables } from '../hosts/process-spec.ts';
import type { ObservedProcess } from './decide.ts';

/**
 * Those of a host that are a deployment's: what says so of itself, and what has the name of a daemon that is wanted.
 * @param version that is wanted
 */
export function observedOf(
  { name, processes }: SeenHost,
  { id, wanted, version }: { id: string; wanted: ReadonlySet<string>; version: bigint },
) {
  if (processes === undefined) return { name };
  const own = [...processes.values()].filter((process) => {
    return ownerOf(process) === id || wanted.has(process.id);
  });
  const observed = own.map((process): ObservedProcess => {
    const { state, fingerprint, isServing } = process;
    const hasChangedFiles = process.changedFiles.length > 0;
    const isOfThisVersion = process.spec?.environment[variables.version] === `${version}`;
    const facts = { state, fingerprint, isServing, isOfThisVersion, hasChangedFiles };
    return { id: process.id, ...facts };
  });
  return { name, processes: observed };
}

/** The deployment that a process says it belongs to. */
export function ownerOf({ spec }: SeenProcess): string | undefined {
  return spec?.environment[variables.owner];
}
