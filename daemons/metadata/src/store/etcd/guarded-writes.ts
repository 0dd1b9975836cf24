import { randomBytes } from 'node:crypto';
import type {
  KeyValueStore,
  OperationResult,
  StoreOperation,
  TransactionRequest,
  TransactionResult,
} from '@tessera/base';
import { inRange, isTesseraError } from '@tessera/base';
import { leaseNotFound, storeBusy } from '../../errors.ts';
import { RequestOp, type ResponseOp, TxnRequest, type TxnResponse } from '../../gen/etcd.ts';
import { bytesOf } from '../check-request.ts';
import { writeQueueLimits } from '../write-queue.ts';
import { AttemptFailed, type EtcdCluster } from './cluster.ts';
import { writeOutcomeUnknown } from './errors.ts';
import type { Keyspace } from './keyspace.ts';
import { absent, get, put, toCompare, toRequestOp, toResults, writtenAt } from './messages.ts';

/** Writer keys there are in all, and how many one process uses: so many of its writes run side by side. */
export const writerLimits = {
  keys: 4096,
  perProcess: 64,
  /** Attempts that may meet another process on the same key before the next one waits. */
  meetings: 8,
} as const;

/** One key of the driver that one write at a time stands behind. */
interface Writer {
  readonly key: Uint8Array;
  /** When it was last written, as far as is known; 0: never. */
  modRevision: bigint;
}

type Read = Pick<KeyValueStore, 'get' | 'list'>;

/**
 * Writes that happen once although answers get lost. Each write requires that a writer key was last written
 * in a known revision, and writes its own mark there. When no answer comes, a second transaction writes the
 * key under the same condition: if it can, the first never took effect and never will; if it cannot, the mark
 * says whose write was there first. Only then is anything repeated.
 */
export class GuardedWrites {
  readonly #cluster: EtcdCluster;
  readonly #keyspace: Keyspace;
  readonly #read: Read;
  readonly #leaseLost: (id: bigint) => Promise<boolean>;
  readonly #free: Writer[];
  readonly #waiting: ((writer: Writer) => void)[] = [];

  constructor(
    cluster: EtcdCluster,
    keyspace: Keyspace,
    store: { readonly read: Read; readonly leaseLost: (id: bigint) => Promise<boolean> },
  ) {
    this.#cluster = cluster;
    this.#keyspace = keyspace;
    this.#read = store.read;
    this.#leaseLost = store.leaseLost;
    // Another process that happens to use the same key only costs a further attempt.
    const first = randomBytes(2).readUInt16BE() % writerLimits.keys;
    this.#free = Array.from({ length: writerLimits.perProcess }, (_, i) => ({
      key: keyspace.writer((first + i) % writerLimits.keys),
      modRevision: 0n,
    }));
  }

  /** @throws as `KeyValueStore.transaction`, and WRITE_OUTCOME_UNKNOWN. */
  async run(request: TransactionRequest): Promise<TransactionResult> {
    const writer = await this.#take();
    try {
      return await this.#write(request, writer, randomBytes(16));
    } catch (error) {
      if (!(error instanceof AttemptFailed)) throw error;
      if (error.failure.kind === 'leaseNotFound') throw await this.#lostLease(request);
      throw writeOutcomeUnknown(error.message);
    } finally {
      this.#release(writer);
    }
  }

  async #write(
    request: TransactionRequest,
    writer: Writer,
    mark: Uint8Array,
  ): Promise<TransactionResult> {
    const turns = this.#cluster.turns();
    const sizeBytes = bytesOf(request);
    for (let meetings = 0; ; ) {
      try {
        const { message, read } = guarded(this.#keyspace, request, writer, mark);
        const response = await this.#cluster.attempt(
          ({ kv }, options) => kv.txn(message, options),
          {
            sizeBytes,
          },
        );
        const ran = read(response);
        if (ran !== undefined) return this.#outcome(request, writer, ran);
        writer.modRevision = modRevisionOf(response);
        if (++meetings < writerLimits.meetings) continue;
        await turns.next({ kind: 'notSent', detail: 'its writer keys are contended' });
      } catch (error) {
        if (!(error instanceof AttemptFailed) || !('detail' in error.failure)) throw error;
        const { failure } = error;
        const settled =
          failure.kind === 'lost' ? await this.#settle(writer, mark, failure.detail) : undefined;
        if (settled !== undefined) return this.#recall(request, settled);
        await turns.next(failure);
      }
    }
  }

  #outcome(
    request: TransactionRequest,
    writer: Writer,
    { succeeded, revision, responses }: Ran,
  ): TransactionResult {
    const operations = operationsOf(request, succeeded);
    const [changed, own] = markWritten(operations, responses);
    if (changed) writer.modRevision = revision;
    return { succeeded, revision, results: toResults(this.#keyspace, operations, own) };
  }

  /**
   * Whether the write under this mark took effect, and in which revision. When it did not, it never will.
   * @throws WRITE_OUTCOME_UNKNOWN when etcd cannot be asked, or has forgotten.
   */
  async #settle(
    writer: Writer,
    mark: Uint8Array,
    detail: string,
  ): Promise<{ readonly succeeded: boolean; readonly revision: bigint } | undefined> {
    const message = TxnRequest.fromPartial({
      compare: [writtenAt(writer.key, writer.modRevision)],
      success: [put(writer.key, marked('none', mark))],
      failure: [get(writer.key)],
    });
    try {
      const response = await this.#cluster.call(({ kv }, options) => kv.txn(message, options));
      if (response.succeeded) {
        writer.modRevision = response.header!.revision;
        return undefined;
      }
      return await this.#findMark(writer, mark, modRevisionOf(response));
    } catch (error) {
      if (isTesseraError(error, 'STORE_CLOSED')) throw error;
      throw writeOutcomeUnknown(`${detail}; then ${String(error)}`);
    }
  }

  /** Goes back from the newest write of the key to the one that followed what the writer knew. */
  async #findMark(writer: Writer, mark: Uint8Array, newest: bigint) {
    for (let revision = newest; revision > writer.modRevision; ) {
      const at = revision;
      const { kvs } = await this.#cluster.call(({ kv }, options) =>
        kv.range({ key: writer.key, revision: at }, options),
      );
      const found = kvs[0];
      if (found === undefined || found.modRevision <= writer.modRevision) break;
      const outcome = outcomeOf(found.value, mark);
      if (outcome !== undefined) {
        writer.modRevision = newest;
        return outcome === 'none'
          ? undefined
          : { succeeded: outcome === 'success', revision: found.modRevision };
      }
      revision = found.modRevision - 1n;
    }
    writer.modRevision = newest;
    return undefined;
  }

  /** The results of a write whose answer was lost: from what was there before it and what is there since. */
  async #recall(
    request: TransactionRequest,
    { succeeded, revision }: { readonly succeeded: boolean; readonly revision: bigint },
  ): Promise<TransactionResult> {
    const results: OperationResult[] = [];
    const gone = new Set<string>();
    const put = new Set<string>();
    const before = { revision: revision - 1n };
    for (const operation of operationsOf(request, succeeded)) {
      if (operation.op === 'put') {
        put.add(operation.key);
        results.push({ op: 'put' });
      } else if (operation.op === 'get') {
        const since = put.has(operation.key) ? { revision } : before;
        const { entry } = await this.#read.get(operation.key, since);
        const there = entry !== undefined && !gone.has(operation.key);
        results.push(there ? { op: 'get', entry } : { op: 'get' });
      } else {
        const keys = (await this.#keysAt(operation, before)).filter((key) => !gone.has(key));
        for (const key of keys) gone.add(key);
        results.push({ op: operation.op, deleted: keys.length });
      }
    }
    return { succeeded, revision, results };
  }

  async #keysAt(
    operation: Extract<StoreOperation, { readonly op: 'delete' | 'deleteRange' }>,
    at: { readonly revision: bigint },
  ): Promise<string[]> {
    if (operation.op === 'delete') {
      const { entry } = await this.#read.get(operation.key, at);
      return entry === undefined ? [] : [entry.key];
    }
    const keys: string[] = [];
    for (let more = true; more; ) {
      const startAfter = keys.at(-1);
      const options = { ...at, ...(startAfter !== undefined && { startAfter }) };
      const page = await this.#read.list(operation.range, options);
      keys.push(...page.entries.map(({ key }) => key));
      more = page.more;
    }
    return keys.filter((key) => inRange(key, operation.range));
  }

  async #lostLease({ success, failure = [] }: TransactionRequest): Promise<Error> {
    const puts = [...success, ...failure].filter((operation) => operation.op === 'put');
    const leases = [...new Set(puts.map(({ lease }) => lease ?? 0n))].filter((id) => id !== 0n);
    for (const id of leases) if (await this.#leaseLost(id)) return leaseNotFound(id);
    return leaseNotFound(leases[0] ?? 0n);
  }

  #take(): Writer | Promise<Writer> {
    const writer = this.#free.pop();
    if (writer !== undefined) return writer;
    if (this.#waiting.length >= writeQueueLimits.waiting) throw storeBusy(writeQueueLimits.waiting);
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  #release(writer: Writer): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#free.push(writer);
    else next(writer);
  }
}

/** What a transaction did whose writer key was as expected. */
interface Ran {
  readonly succeeded: boolean;
  readonly revision: bigint;
  readonly responses: readonly ResponseOp[];
}

interface Guarded {
  readonly message: TxnRequest;
  /** `undefined`: the writer key was not as expected, nothing ran. */
  readonly read: (response: TxnResponse) => Ran | undefined;
}

/** The request as a transaction that only runs while the writer key is as it was. */
function guarded(
  keyspace: Keyspace,
  request: TransactionRequest,
  writer: Writer,
  mark: Uint8Array,
): Guarded {
  const branch = (operations: readonly StoreOperation[], outcome: Outcome) =>
    withMark(keyspace, operations, put(writer.key, marked(outcome, mark)));
  const inner = {
    compare: (request.compare ?? []).map((condition) => toCompare(keyspace, condition)),
    success: branch(request.success, 'success'),
    failure: branch(request.failure ?? [], 'failure'),
  };
  const failureWrites = (request.failure ?? []).some(({ op }) => op !== 'get');
  return failureWrites ? nested(writer, inner) : flat(writer, inner);
}

type Inner = Pick<TxnRequest, 'compare' | 'success' | 'failure'>;

/** All comparisons side by side. Which of them failed, the writer key tells. */
function flat({ key, modRevision }: Writer, inner: Inner): Guarded {
  return {
    message: TxnRequest.fromPartial({
      compare: [writtenAt(key, modRevision), ...inner.compare],
      success: inner.success,
      failure: [get(key), ...inner.failure],
    }),
    read: (response) => {
      const { succeeded, responses, header } = response;
      if (!succeeded && modRevisionOf(response) !== modRevision) return undefined;
      const own = succeeded ? responses : responses.slice(1);
      return { succeeded, revision: header!.revision, responses: own };
    },
  };
}

/**
 * When both lists write, one transaction in another. Not always: etcd counts only what is written at the top
 * against its quota.
 */
function nested({ key, modRevision }: Writer, inner: Inner): Guarded {
  return {
    message: TxnRequest.fromPartial({
      compare: [writtenAt(key, modRevision)],
      success: [{ request: { $case: 'requestTxn', value: inner } }],
      failure: [get(key)],
    }),
    read: ({ responses: [first], header }) => {
      if (first?.response?.$case !== 'responseTxn') return undefined;
      const { succeeded, responses } = first.response.value;
      return { succeeded, revision: header!.revision, responses };
    },
  };
}

/** The mark goes along with a change and only with one: what changes nothing must not make a revision. */
function withMark(
  keyspace: Keyspace,
  operations: readonly StoreOperation[],
  mark: RequestOp,
): RequestOp[] {
  const asked = operations
    .map((operation) => toRequestOp(keyspace, operation))
    .filter((operation) => operation !== undefined);
  if (operations.some(({ op }) => op === 'put')) return [...asked, mark];
  const compare = asked.flatMap(({ request }) =>
    request?.$case === 'requestDeleteRange'
      ? [absent(request.value.key, request.value.rangeEnd)]
      : [],
  );
  if (compare.length === 0) return asked;
  const ifAny = { compare, success: [], failure: [mark] };
  return [RequestOp.fromPartial({ request: { $case: 'requestTxn', value: ifAny } }), ...asked];
}

/** Whether the mark was written, and the responses without that of the mark. */
function markWritten(
  operations: readonly StoreOperation[],
  responses: readonly ResponseOp[],
): readonly [boolean, readonly ResponseOp[]] {
  if (operations.some(({ op }) => op === 'put')) return [true, responses];
  const first = responses[0]?.response;
  if (first?.$case !== 'responseTxn') return [false, responses];
  return [!first.value.succeeded, responses.slice(1)];
}

function operationsOf(request: TransactionRequest, succeeded: boolean): readonly StoreOperation[] {
  return succeeded ? request.success : (request.failure ?? []);
}

/** Of the get of the writer key in a transaction that did not run. */
function modRevisionOf({ responses: [first] }: TxnResponse): bigint {
  const found =
    first?.response?.$case === 'responseRange' ? first.response.value.kvs[0] : undefined;
  return found?.modRevision ?? 0n;
}

/** What a mark says: which list of the transaction ran, or that it was kept from running. */
type Outcome = 'success' | 'failure' | 'none';

function marked(outcome: Outcome, mark: Uint8Array): Uint8Array {
  return Buffer.from(`${Buffer.from(mark).toString('hex')} ${outcome}`);
}

function outcomeOf(value: Uint8Array, mark: Uint8Array): Outcome | undefined {
  const [whose, outcome] = Buffer.from(value).toString().split(' ');
  return whose === Buffer.from(mark).toString('hex') ? (outcome as Outcome) : undefined;
}
