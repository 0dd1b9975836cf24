import { query } from '@tessera/proto';
import { enumPair } from './enum-pair.ts';
import { type ScanWork, scanWorkFromProto, scanWorkToProto } from './scan-work.ts';

/** One call that a scan made to a storage daemon. */
export interface DaemonWork {
  /** Name or address; `in process` for the one in the query daemon's own process. */
  readonly daemon: string;
  /** Why it was called: first choice, after another failed, or because another was slow. */
  readonly attempt: 'first' | 'retry' | 'hedge';
  /** Whether its rows came; `abandoned` when another was faster or the scan ended. */
  readonly outcome: 'answered' | 'failed' | 'abandoned';
  readonly segmentCount: number;
  readonly rowCount: number;
  /** Of the messages that came and went, with gRPC's 5 bytes each, without HTTP/2, TLS and TCP. 0 in process. */
  readonly wireBytes: number;
  readonly sentBytes: number;
  /** From the call to its end. */
  readonly micros: number;
  /** What the daemon says; absent where the call did not come to its end. */
  readonly work?: ScanWork;
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
    sentBytes: BigInt(work.sentBytes),
    work: work.work && scanWorkToProto(work.work),
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
    sentBytes: Number(message.sentBytes),
    ...(message.work === undefined ? {} : { work: scanWorkFromProto(message.work) }),
  };
}
