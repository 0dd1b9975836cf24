import { parseResourceName } from '@tessera/base';
import { metadata } from '@tessera/proto';
import {
  badRequest,
  contended,
  etagMismatch,
  journalEntryExists,
  notFound,
  requestIdReused,
} from '../errors.ts';
import { Commit, endedKey } from '../resources/commit.ts';
import { operationKind } from '../resources/kinds.ts';
import { decodePageToken, encodePageToken, pageSizeOf } from '../resources/page-token.ts';
import { readWhole } from '../resources/read-whole.ts';
import type { Remembered } from '../resources/request-ids.ts';
import { keyOf, selectBelow } from '../resources/resource-key.ts';
import { etagOf, timestampOf } from '../resources/resource-kind.ts';
import { attempts, type ResourceRules, type TableContext } from '../resources/resource-table.ts';

const pattern = 'operations/{operation}/journal/{key}';
const method = 'write-journal-entry';

/** What an operation still does after its end is not written; it takes its journal along when it is deleted. */
export const operationRules: ResourceRules<metadata.OperationRecord> = {
  onWrite: async ({ after }, commit) => {
    if (after.endTime !== undefined) commit.put(endedKey(after.name), new Uint8Array());
    return after;
  },
  onDelete: async ({ name }, commit) => {
    commit.delete(endedKey(name));
    const entries = journalOf(name);
    commit.deletePrefix(entries.start, entries.end!);
  },
};

/** What steps an operation has decided and taken: read by a scheduler that starts again. */
export class Journal {
  readonly #context: TableContext;

  constructor(context: TableContext) {
    this.#context = context;
  }

  /** @throws NOT_FOUND of the operation, JOURNAL_ENTRY_EXISTS, ETAG_MISMATCH, FENCED. */
  async write(request: metadata.WriteJournalEntryRequest): Promise<metadata.JournalEntry> {
    const { journalEntry: entry, requestId } = request;
    const { requestIds } = this.#context;
    if (entry === undefined) throw badRequest('journal_entry', 'is missing.');
    for (let i = 0; i < attempts; i++) {
      try {
        const written = await requestIds.once(
          method,
          requestId,
          () => this.#tryWrite(request, entry),
          (known) => outcomeOf(known, requestId, entry.name),
        );
        if (written !== undefined) return written;
      } catch (error) {
        if (!requestIds.forgetLease(error)) throw error;
      }
    }
    throw contended(entry.name);
  }

  async #tryWrite(
    { fence, requestId }: metadata.WriteJournalEntryRequest,
    entry: metadata.JournalEntry,
  ): Promise<metadata.JournalEntry | undefined> {
    const { store, requestIds, clock } = this.#context;
    const { name, etag } = entry;
    const operation = operationOf(name);
    const key = keyOf(pattern, name);
    const found = (await store.get(key)).entry;
    const before = found && metadata.JournalEntry.decode(found.value);
    if (before !== undefined && etag === '') {
      throw journalEntryExists(name, stateName(before.state), etagOf(found!.modRevision));
    }
    if (etag !== '' && etag !== etagOf(found?.modRevision ?? 0n)) throw etagMismatch(name, etag);
    const now = timestampOf(clock.now());
    const after = { ...entry, etag: '', createTime: before?.createTime ?? now, updateTime: now };
    const value = metadata.JournalEntry.encode(after).finish();
    const commit = new Commit().fence(fence).put(key, value);
    commit.requirePresent(keyOf(operationKind.pattern, operation), () =>
      notFound('operation', operation),
    );
    await requestIds.remember(commit, method, requestId, value);
    commit.requireUnchanged(key, found?.modRevision ?? 0n);
    const result = await commit.run(store);
    return result && { ...after, etag: etagOf(result.revision) };
  }

  /** In the order in which the steps were first written. */
  async list(
    request: metadata.ListJournalEntriesRequest,
  ): Promise<metadata.ListJournalEntriesResponse> {
    const { parent } = request;
    const size = pageSizeOf(request.pageSize);
    const page = decodePageToken(request.pageToken, ['journal', parent]);
    const { entries, revision } = await readWhole(
      this.#context.store,
      journalOf(parent),
      page?.revision,
    );
    entries.sort((a, b) => compare(a.createRevision, b.createRevision) || compare(a.key, b.key));
    const start = page === undefined ? 0 : entries.findIndex(({ key }) => key === page.after) + 1;
    const shown = entries.slice(start, start + size);
    const last = shown.at(-1);
    const more = last !== undefined && start + size < entries.length;
    return {
      journalEntries: shown.map(({ value, modRevision }) => ({
        ...metadata.JournalEntry.decode(value),
        etag: etagOf(modRevision),
      })),
      nextPageToken: more
        ? encodePageToken({ revision, after: last.key }, ['journal', parent])
        : '',
      revision,
    };
  }
}

function outcomeOf(
  { outcome, revision }: Remembered,
  requestId: string,
  name: string,
): metadata.JournalEntry {
  const entry = metadata.JournalEntry.decode(outcome);
  if (entry.name !== name) throw requestIdReused(requestId, entry.name);
  return { ...entry, etag: etagOf(revision) };
}

function journalOf(operation: string) {
  const { operation: id } = parseResourceName(operation, operationKind.pattern);
  return selectBelow('journal', [id!]);
}

function operationOf(name: string): string {
  return `operations/${parseResourceName(name, pattern)['operation']}`;
}

function stateName(state: metadata.JournalState): string {
  const known = Object.entries(metadata.JournalState).find(([, value]) => value === state);
  return known?.[0].replace('JOURNAL_STATE_', '') ?? `${state}`;
}

function compare<T extends bigint | string>(a: T, b: T): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
