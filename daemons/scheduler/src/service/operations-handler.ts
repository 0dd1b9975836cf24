import type { Clock } from '@tessera/base';
import type { longrunning, metadata } from '@tessera/proto';
import type { CallContext } from 'nice-grpc-common';
import type { SchedulerClients } from '../clients.ts';
import { operationRunning } from '../errors.ts';
import { hasEnded } from '../operations/operation.ts';

const maxWaitMs = 30_000;

/** google.longrunning.Operations over the operation records that metadata keeps. */
export class OperationsHandler implements longrunning.OperationsServiceImplementation {
  readonly #records: SchedulerClients['operationRecords'];
  readonly #clock: Clock;

  constructor(records: SchedulerClients['operationRecords'], clock: Clock) {
    this.#records = records;
    this.#clock = clock;
  }

  async getOperation({ name }: longrunning.GetOperationRequest) {
    return operationOf(await this.#records.getOperationRecord({ name }));
  }

  async listOperations(request: longrunning.ListOperationsRequest) {
    const page = await this.#records.listOperationRecords({
      pageSize: request.pageSize,
      pageToken: request.pageToken,
    });
    return {
      operations: page.operationRecords.map(operationOf),
      nextPageToken: page.nextPageToken,
    };
  }

  async deleteOperation({ name }: longrunning.DeleteOperationRequest) {
    const record = await this.#records.getOperationRecord({ name });
    if (!operationOf(record).done) throw operationRunning(name);
    await this.#records.deleteOperationRecord({ name, etag: record.etag });
    return {};
  }

  async cancelOperation({ name }: longrunning.CancelOperationRequest) {
    const record = await this.#records.getOperationRecord({ name });
    if (!operationOf(record).done) {
      await this.#records.updateOperationRecord({
        operationRecord: { name, cancelRequested: true },
        updateMask: ['cancel_requested'],
      });
    }
    return {};
  }

  /** Answers when the operation changed or ended, or with its state when the time is over: clients ask again. */
  async waitOperation(request: longrunning.WaitOperationRequest, { signal }: CallContext) {
    const { name } = request;
    const wantedMs = request.timeout
      ? Number(request.timeout.seconds) * 1000 + request.timeout.nanos / 1e6
      : maxWaitMs;
    const deadline = this.#clock.monotonicMs() + Math.min(wantedMs, maxWaitMs);
    for (;;) {
      const operation = operationOf(await this.#records.getOperationRecord({ name }));
      const leftMs = deadline - this.#clock.monotonicMs();
      if (operation.done || leftMs <= 0) return operation;
      await this.#clock.sleep(Math.min(pollMs, leftMs), signal);
    }
  }
}

const pollMs = 25;

export function operationOf(record: metadata.OperationRecord): longrunning.Operation {
  const ended = hasEnded(record);
  return {
    name: record.name,
    metadata: record.metadata,
    done: ended,
    result: ended ? record.result : undefined,
  };
}
