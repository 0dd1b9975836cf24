import { isTesseraError } from '@tessera/base';
import type { metadata } from '@tessera/proto';
import type { SchedulerClients } from '../clients.ts';
import { operationGivenUp } from '../errors.ts';
import { hasEnded } from './operation.ts';
import type { Progress } from './progress.ts';

/** Somebody else writes a record too (who cancels, once), so few tries are plenty. */
const maxTries = 8;

/**
 * Writes one record, one change after the other, each on top of the version that was seen last: a write that was thought
 * lost and arrives late undoes nothing. Reports of progress never stand in the way.
 */
export class RecordWriter {
  record: metadata.OperationRecord;
  readonly #records: SchedulerClients['operationRecords'];
  #queue: Promise<unknown> = Promise.resolve();
  #reporting = false;

  constructor(records: SchedulerClients['operationRecords'], record: metadata.OperationRecord) {
    this.#records = records;
    this.record = record;
  }

  /** @throws OPERATION_GIVEN_UP when the operation has ended: nothing may change that. */
  async write(change: Partial<metadata.OperationRecord>): Promise<void> {
    const written = this.#queue.then(() => this.#update(change));
    this.#queue = written.catch(() => {});
    await written;
  }

  async report(progress: Progress): Promise<void> {
    if (this.#reporting) return;
    this.#reporting = true;
    await this.write({ metadata: progress.packed() }).catch(() => {});
    this.#reporting = false;
  }

  async #update(change: Partial<metadata.OperationRecord>): Promise<void> {
    const { name } = this.record;
    const updateMask = Object.entries(change).map(([field, value]) => maskPath(field, value));
    for (let tries = 1; ; tries++) {
      try {
        const operationRecord = { name, etag: this.record.etag, ...change };
        this.record = await this.#records.updateOperationRecord({ operationRecord, updateMask });
        return;
      } catch (error) {
        if (!isTesseraError(error, 'ETAG_MISMATCH') || tries === maxTries) throw error;
        this.record = await this.#records.getOperationRecord({ name });
        if (hasEnded(this.record)) throw operationGivenUp(name);
      }
    }
  }
}

/** `endTime` → `end_time`; of the oneof, the member that is set. */
function maskPath(field: string, value: unknown): string {
  if (field === 'result') return (value as { readonly $case: string }).$case;
  return field.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
