import type {
  ClusterJournal,
  RejectedVersion,
  StartedProcess,
  WantedProcess,
} from './cluster-decision.ts';
import type { Sight } from './sight.ts';

/**
 * Versions on trial. A version of a cluster is good once all its processes have come up; one of which a process ends again and again before
 * that is given up, and the last good one is carried out instead. Without a good one there is nothing to go back to.
 */

/** How often a process may end by itself before it has come up. */
export const maxEnds = 3;

/** A process has come up when it is up after so long: sooner, what the JobManager knows of it may be of the run before. */
const settledMs = 10_000;

/** The version to carry out: the newest, or the last good one while the newest is given up. */
export function versionToRun(newest: bigint, { good, rejected }: ClusterJournal): bigint {
  return good !== undefined && rejected?.version === newest ? good : newest;
}

/** A journal for when a version is carried out: that an earlier one was given up ends with the next that is tried. */
export function journalFor(version: bigint | undefined, journal: ClusterJournal): ClusterJournal {
  const { rejected: _, ...rest } = journal;
  return version !== undefined && version === journal.good ? journal : rest;
}

/** The journal with what is seen of processes that were started, and what follows from it for the version that they are of. */
export function judged(
  version: bigint | undefined,
  sight: Sight,
  { started, ...rest }: ClusterJournal,
): ClusterJournal {
  const journal = { ...rest, started: started.map((one) => withFate(one, sight)) };
  if (version === undefined || version === journal.good) return journal;
  if (isGood(sight, journal)) return { ...journal, good: version };
  const rejected = journal.good !== undefined && rejection(version, sight, journal);
  return rejected ? { ...journal, rejected } : journal;
}

/** Whether a process has come up since it was started. */
export function hasComeUp(wanted: WantedProcess, journal: ClusterJournal): boolean {
  return fateOf(wanted, journal)?.hasComeUp === true;
}

/** Whether a process has ended by itself since it was started, and has never come up. */
export function endsAtStart(wanted: WantedProcess, journal: ClusterJournal): boolean {
  const { hasComeUp: isProved = false, ends = 0 } = fateOf(wanted, journal) ?? {};
  return !isProved && ends > 0;
}

function withFate(one: StartedProcess, sight: Sight): StartedProcess {
  if (one.hasComeUp) return one;
  const there = sight.find(one);
  if (there === undefined) return one;
  if (sight.isUp(one) && there.ageMs >= settledMs) return { ...one, hasComeUp: true };
  // Without a JobManager the best of them gives up.
  const isLeftAlone = one.role !== 'jobmanager' && !sight.jobManagerAnswers;
  const { run } = there.ended ?? {};
  if (run === undefined || run === one.endedRun || isLeftAlone) return one;
  return { ...one, ends: (one.ends ?? 0) + 1, endedRun: run };
}

function fateOf({ id, host }: WantedProcess, { started }: ClusterJournal) {
  return started.find((one) => one.id === id && one.host === host);
}

function isGood(sight: Sight, journal: ClusterJournal): boolean {
  const wanted = sight.wantedProcesses();
  return (
    wanted.some(({ role }) => role === 'taskmanager') &&
    wanted.every((one) => sight.isThere(one) && sight.isUp(one) && hasComeUp(one, journal))
  );
}

function rejection(
  version: bigint,
  sight: Sight,
  journal: ClusterJournal,
): RejectedVersion | undefined {
  const failing = sight.wantedProcesses().find((one) => {
    const isTooOften = (fateOf(one, journal)?.ends ?? 0) >= maxEnds;
    return sight.isThere(one) && isTooOften && endsAtStart(one, journal);
  });
  if (failing === undefined) return undefined;
  const { id: processId, host } = failing;
  return { version, processId, host, cause: sight.find(failing)?.ended?.cause ?? '' };
}
