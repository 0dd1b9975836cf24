import { query } from '@tessera/proto';
import { enumPair } from './enum-pair.ts';

/** One call that a scan over several storage daemons made to one of them. */
export interface DaemonWork {
  /** Name or address. */
  readonly daemon: string;
  /** Why it was called: first choice, after another failed, or because another was slow. */
  readonly attempt: 'first' | 'retry' | 'hedge';
  /** Whether its rows came; `abandoned` when another was faster or the scan ended. */
  readonly outcome: 'answered' | 'failed' | 'abandoned';
  readonly segmentCount: number;
  readonly rowCount: number;
  readonly wireBytes: number;
  readonly micros: number;
}

const attempts = enumPair<DaemonWork['attempt']>('daemon attempt', {
  first: query.DaemonAttempt.DAEMON_ATTEMPT_FIRST,
  retry: query.DaemonAttempt.DAEMON_ATTEMPT_RETRY,
  hedge: query.DaemonAttempt.DAEMON_ATTEMPT_HEDGE,
});

const outcomes = enumPair<DaemonWork['outcome']>('daemon outcome', {
  answered: query.DaemonOutcome.DAEMON_OUTCOME_ANSWERED,
  failed: query.DaemonOutcome.DAEMON_OUTCOME_FAILED,
  abandoned: query.DaemonOutcome.DAEMON_OUTCOME_ABANDONED,
});

export function daemonWorkToProto(work: DaemonWork): query.DaemonWork {
  return {
    daemon: work.daemon,
    attempt: attempts.toProto(work.attempt) as query.DaemonAttempt,
    outcome: outcomes.toProto(work.outcome) as query.DaemonOutcome,
    segmentCount: BigInt(work.segmentCount),
    rowCount: BigInt(work.rowCount),
    wireBytes: BigInt(work.wireBytes),
    micros: BigInt(work.micros),
  };
}

export function daemonWorkFromProto(message: query.DaemonWork): DaemonWork {
  return {
    daemon: message.daemon,
    attempt: attempts.fromProto(message.attempt),
    outcome: outcomes.fromProto(message.outcome),
    segmentCount: Number(message.segmentCount),
    rowCount: Number(message.rowCount),
    wireBytes: Number(message.wireBytes),
    micros: Number(message.micros),
  };
}
