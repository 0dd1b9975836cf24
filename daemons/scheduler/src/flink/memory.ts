import type { Clock } from '@tessera/base';
import { JobScalings } from '../scaling/job-scaling.ts';
import { Ages } from './ages.ts';
import { FailedSteps } from './failed-steps.ts';
import { HangingJobManagers } from './hanging-job-managers.ts';
import { HostWatch } from './host-watch.ts';
import { LateRestarts } from './late-restarts.ts';
import type { TakenProofs } from './prove-directories.ts';
import { Refusals } from './refusals.ts';
import { KnownDetails } from './run-details.ts';
import { UnaskedEnds } from './unasked-ends.ts';
import { UnderWay } from './under-way.ts';

/** What one term remembers between looks; nothing is lost with it but time. */
export interface Memory {
  readonly ages: Ages;
  readonly hosts: HostWatch;
  readonly details: KnownDetails;
  readonly restarts: LateRestarts;
  /** By id of the cluster. */
  readonly proofs: Map<string, TakenProofs>;
  readonly failedSteps: FailedSteps;
  readonly refusals: Refusals;
  readonly underWay: UnderWay;
  readonly hanging: HangingJobManagers;
  /** Attempts that their JobManager has refused to change in place. */
  readonly unscalable: Refusals;
  readonly scalings: JobScalings;
  readonly unaskedEnds: UnaskedEnds;
}

export function newMemory(clock: Clock): Memory {
  const nowMs = () => clock.monotonicMs();
  const underWay = new UnderWay();
  return {
    ages: new Ages(),
    hosts: new HostWatch(),
    details: new KnownDetails(nowMs),
    restarts: new LateRestarts(nowMs),
    proofs: new Map(),
    failedSteps: new FailedSteps(nowMs),
    refusals: new Refusals(),
    underWay,
    hanging: new HangingJobManagers(underWay),
    unscalable: new Refusals(),
    scalings: new JobScalings(),
    unaskedEnds: new UnaskedEnds(clock),
  };
}
