import type {
  ClusterDecision,
  ClusterJournal,
  ClusterStep,
  StartedProcess,
  WantedCluster,
  WantedProcess,
} from './cluster-decision.ts';
import { type ClusterProcess, isGone, type ObservedCluster } from './observed-cluster.ts';
import { Sight } from './sight.ts';
import { hangs } from './silent-job-manager.ts';

/** How long a TaskManager may run without being known to the JobManager before it is started again. */
const registrationMs = 120_000;

/**
 * The next step that brings the processes of a cluster to what is wanted, or what it waits for. Pure and level-triggered: to be asked again whenever something has changed.
 *
 * Promises, as long as the journal is written before the step is taken and only one at a time asks and acts: two JobManagers never run at once; a JobManager that answers is not taken from jobs that run, and one that does not
 * is started again more and more rarely; a TaskManager that works is not taken away before those that replace it are known to the JobManager; one at a time is replaced where it stands.
 */
export function nextClusterAction(
  wanted: WantedCluster,
  observed: ObservedCluster,
  journal: ClusterJournal,
): ClusterDecision {
  const sight = new Sight(wanted, observed);
  const known = { started: sight.mayRun(journal) };
  const change =
    jobManagerChange(sight, known) ??
    forgetGone(sight) ??
    startMissing(sight, known) ??
    restartUnregistered(sight) ??
    replaceChanged(sight) ??
    stopSurplus(sight);
  const { step, waitsFor, haltsJobs = false } = change ?? {};
  return {
    journal:
      step?.kind === 'start' ? withStarted(known, sight.wantedProcess(step.processId)!) : known,
    haltsJobs,
    ...(step !== undefined && { step }),
    ...(waitsFor !== undefined && { waitsFor }),
  };
}

type Change = Partial<Pick<ClusterDecision, 'step' | 'waitsFor' | 'haltsJobs'>>;

function withStarted(
  { started }: ClusterJournal,
  { id, role, host }: StartedProcess,
): ClusterJournal {
  const others = started.filter((process) => process.id !== id || process.host !== host);
  return { started: [...others, { id, role, host }] };
}

/** Everything about the JobManager comes first: without it nothing works, and two of them are worse. */
function jobManagerChange(sight: Sight, journal: ClusterJournal): Change | undefined {
  const { started } = journal;
  const wanted = sight.wantedOf('jobmanager')[0];
  const old = sight
    .processesOf('jobmanager')
    .find(({ host, process }) => !sight.isAsWanted(host, process) && !isGone(process));
  const lacking = wanted && sight.lacking(wanted);
  if (old !== undefined) {
    return lacking === undefined ? takeAway(sight, old.host, old.process) : { waitsFor: lacking };
  }
  if (wanted === undefined) return undefined;
  const there = sight.find(wanted);
  if (there !== undefined && !isGone(there)) {
    if (sight.jobManagerAnswers) return undefined;
    if (lacking === undefined && hangs(there, sight.silentMs)) {
      return {
        step: stepOf('stop', wanted.host, wanted.id),
        waitsFor: 'a JobManager that hangs to end',
      };
    }
    // TaskManagers find it when it answers; they need as long to start as it does.
    return startMissing(sight, journal) ?? { waitsFor: 'the JobManager to answer' };
  }
  const elsewhere = started.find(
    ({ role, host, id }) => role === 'jobmanager' && !(host === wanted.host && id === wanted.id),
  );
  if (elsewhere !== undefined) {
    return {
      waitsFor: `host ${elsewhere.host} to answer, or to be known as lost: a JobManager may still run there`,
    };
  }
  if (!sight.isSeen(wanted.host)) return { waitsFor: `host ${wanted.host} to answer` };
  if (lacking !== undefined) return { waitsFor: lacking };
  const start = { step: stepOf('start', wanted.host, wanted.id) };
  return endOutdated(sight) ?? { ...start, waitsFor: 'the JobManager to start' };
}

/**
 * Without a JobManager nothing works, and what is not as wanted would find the next one: jobs would be given to TaskManagers, or planned by a SQL gateway, that may be of another version of Flink.
 */
function endOutdated(sight: Sight): Change | undefined {
  const outdated = sight
    .all()
    .filter(
      ({ host, process }) =>
        process.role !== 'jobmanager' && !sight.isAsWanted(host, process) && !isEnding(process),
    );
  const [next] = outdated;
  return (
    next && {
      step: stepOf('stop', next.host, next.process.id),
      waitsFor: `${outdated.length} processes of before to end`,
    }
  );
}

/** A JobManager that is to be another one, or none. */
function takeAway(sight: Sight, host: string, process: ClusterProcess): Change {
  if (process.state === 'STOPPING') return { waitsFor: 'the JobManager to end', haltsJobs: true };
  if (sight.jobManagerAnswers && sight.activeJobs > 0) {
    return { waitsFor: `${sight.activeJobs} jobs to be stopped with their state`, haltsJobs: true };
  }
  const step = stepOf('stop', host, process.id);
  return { step, waitsFor: 'the JobManager to end', haltsJobs: true };
}

function forgetGone(sight: Sight): Change | undefined {
  const gone = sight
    .all()
    .find(({ host, process }) => !sight.isWantedAt(host, process.id) && isGone(process));
  return gone && { step: stepOf('forget', gone.host, gone.process.id) };
}

/** A process that may run elsewhere is not started: two of one id would take each other's place. */
function startMissing(sight: Sight, { started }: ClusterJournal): Change | undefined {
  const missing = sight.workers().filter((wanted) => {
    const there = sight.find(wanted);
    return there === undefined || isGone(there);
  });
  const mayRunElsewhere = ({ id, host }: WantedProcess) =>
    started.some((process) => process.id === id && process.host !== host);
  const next = missing.find(
    (wanted) =>
      sight.isSeen(wanted.host) && sight.lacking(wanted) === undefined && !mayRunElsewhere(wanted),
  );
  return (
    next && {
      step: stepOf('start', next.host, next.id),
      waitsFor:
        missing.length === 1 ? '1 process to start' : `${missing.length} processes to start`,
    }
  );
}

/** What runs for minutes and is not known to the JobManager hangs. */
function restartUnregistered(sight: Sight): Change | undefined {
  const hanging = sight.workers().find((wanted) => {
    const there = sight.find(wanted);
    return (
      wanted.role === 'taskmanager' &&
      there?.state === 'RUNNING' &&
      there.ageMs > registrationMs &&
      !sight.isUp(wanted)
    );
  });
  if (hanging === undefined || !sight.jobManagerAnswers) return undefined;
  return {
    step: stepOf('stop', hanging.host, hanging.id),
    waitsFor: `TaskManager ${hanging.id} to register`,
  };
}

/** One at a time, when all others work; what does not work anyhow, at once. */
function replaceChanged(sight: Sight): Change | undefined {
  const changed = sight.workers().filter((wanted) => {
    const there = sight.find(wanted);
    return there !== undefined && there.fingerprint !== wanted.fingerprint && !isEnding(there);
  });
  if (changed.length === 0) return undefined;
  const ready = changed.filter((wanted) => sight.lacking(wanted) === undefined);
  const broken = ready.find((wanted) => !sight.isUp(wanted));
  const down = sight.workers().filter((wanted) => !sight.isUp(wanted));
  const next = broken ?? (down.length === 0 ? ready[0] : undefined);
  const waitsFor = `${changed.length} TaskManagers to be replaced`;
  return next === undefined
    ? { waitsFor: `${waitsFor}; ${hindrance(sight, down[0], changed)}` }
    : { step: stepOf('stop', next.host, next.id), waitsFor };
}

function hindrance(
  sight: Sight,
  down: WantedProcess | undefined,
  [first]: readonly WantedProcess[],
): string {
  return down === undefined ? sight.lacking(first!)! : `${down.id} is not up`;
}

/** What is not wanted goes when those that are wanted work, and have room for what it does. */
function stopSurplus(sight: Sight): Change | undefined {
  const surplus = sight
    .all()
    .filter(
      ({ host, process }) =>
        process.role !== 'jobmanager' && !sight.isWantedAt(host, process.id) && !isEnding(process),
    );
  const down = sight.workers().filter((wanted) => !sight.isUp(wanted));
  if (surplus.length === 0) {
    return down.length === 0 ? undefined : { waitsFor: sight.lacking(down[0]!) ?? upWords(down) };
  }
  const isEnd = sight.wantedOf('jobmanager').length === 0;
  if (isEnd && sight.jobManagerAnswers && sight.activeJobs > 0) {
    return { waitsFor: `${sight.activeJobs} jobs to be stopped with their state`, haltsJobs: true };
  }
  const next = surplus.find(
    ({ process }) =>
      isEnd ||
      !sight.isRegistered(process.id) ||
      (down.length === 0 && sight.usedSlots(process.id) <= sight.freeSlots()),
  );
  if (next !== undefined) {
    return {
      step: stepOf('stop', next.host, next.process.id),
      waitsFor: `${surplus.length} processes to end`,
    };
  }
  return {
    waitsFor:
      down.length > 0
        ? `${down[0]!.id} to be up before ${surplus[0]!.process.id} is stopped`
        : `a rescale to free the slots of ${surplus[0]!.process.id}`,
  };
}

function upWords(down: readonly WantedProcess[]): string {
  const [first, ...others] = down.map(({ id }) => id);
  return others.length === 0
    ? `${first} to be up`
    : `${down.length} processes to be up, ${first} among them`;
}

function isEnding(process: ClusterProcess): boolean {
  return process.state === 'STOPPING' || isGone(process);
}

function stepOf(
  kind: ClusterStep['kind'],
  host: string,
  processId: WantedProcess['id'],
): ClusterStep {
  return { kind, key: `${host}/${processId}/${kind}`, host, processId };
}
