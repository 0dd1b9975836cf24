import type {
  Condition,
  KeyValue,
  KeyValueStore,
  StoreOperation,
  TransactionResult,
} from '@tessera/base';
import type { coordination } from '@tessera/proto';
import { fenced, operationEnded } from '../errors.ts';
import { idsOf, internalKey, keyOf } from './resource-key.ts';

/** Why a condition did not hold; `undefined`: somebody else was faster, read again and decide again. */
export type Explain = (found: KeyValue | undefined) => Error | undefined;

type RevisionCondition = Extract<Condition, { readonly to: bigint }>;

/** There once an operation has ended: what of it arrives later changes nothing. */
export function endedKey(operation: string): string {
  return internalKey('ended', ...idsOf('operations/{operation}', operation));
}

interface Requirement {
  readonly condition: RevisionCondition;
  readonly explain: Explain;
}

/**
 * One write being put together: what must still hold of everything that was read, and what is then written,
 * all in one transaction of the store. There is no lock; who was overtaken is told, or decides again.
 */
export class Commit {
  readonly #requirements: Requirement[] = [];
  readonly #operations = new Map<string, StoreOperation>();

  /** The first requirement that does not hold gives the error. */
  require(condition: RevisionCondition, explain: Explain = () => undefined): this {
    this.#requirements.push({ condition, explain });
    return this;
  }

  requireAbsent(key: string, explain?: Explain): this {
    return this.require({ key, target: 'createRevision', to: 0n }, explain);
  }

  requirePresent(key: string, explain?: Explain): this {
    return this.require({ key, target: 'createRevision', is: 'greater', to: 0n }, explain);
  }

  requireUnchanged(key: string, modRevision: bigint, explain?: Explain): this {
    return this.require({ key, target: 'modRevision', to: modRevision }, explain);
  }

  /** The write only happens while the lease is held with this token, and the operation that it is a step of goes on. */
  fence(fence: coordination.Fence | undefined): this {
    if (fence === undefined) return this;
    const lost = () => fenced(fence.lease, fence.token);
    // 0 is what the store compares a missing key to, so it must never pass for a token.
    if (fence.token <= 0n) throw lost();
    this.requireUnchanged(keyOf('leases/{lease}', fence.lease), fence.token, lost);
    const { operation } = fence;
    if (!operation) return this;
    const ended = () => operationEnded(operation);
    this.requirePresent(keyOf('operations/{operation}', operation), ended);
    return this.requireAbsent(endedKey(operation), ended);
  }

  put(key: string, value: Uint8Array, lease?: bigint): this {
    const put = { op: 'put', key, value } as const;
    this.#operations.set(key, lease === undefined ? put : { ...put, lease });
    return this;
  }

  delete(key: string): this {
    this.#operations.set(key, { op: 'delete', key });
    return this;
  }

  deletePrefix(prefix: string, end: string): this {
    this.#operations.set(prefix, { op: 'deleteRange', range: { start: prefix, end } });
    return this;
  }

  /**
   * Writes all of it, or nothing. `undefined` when somebody else was faster.
   * @throws what the first requirement that failed explains.
   */
  async run(
    store: KeyValueStore,
    options: { readonly validateOnly?: boolean } = {},
  ): Promise<TransactionResult | undefined> {
    const keys = [...new Set(this.#requirements.map(({ condition }) => condition.key))];
    const result = await store.transaction({
      compare: this.#requirements.map(({ condition }) => condition),
      success: options.validateOnly ? [] : [...this.#operations.values()],
      failure: keys.map((key) => ({ op: 'get', key })),
    });
    if (result.succeeded) return result;
    const found = new Map<string, KeyValue>();
    for (const read of result.results) {
      if (read.op === 'get' && read.entry !== undefined) found.set(read.entry.key, read.entry);
    }
    for (const { condition, explain } of this.#requirements) {
      const entry = found.get(condition.key);
      if (holds(condition, entry)) continue;
      const error = explain(entry);
      if (error !== undefined) throw error;
      return undefined;
    }
    return undefined;
  }
}

function holds({ target, is, to }: RevisionCondition, entry: KeyValue | undefined): boolean {
  const actual = entry?.[target] ?? 0n;
  return is === 'greater' ? actual > to : actual === to;
}
