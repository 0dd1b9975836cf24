import type {
  Condition,
  KeyValue,
  OperationResult,
  StoreOperation,
  TransactionRequest,
} from '@tessera/base';
import {
  Compare,
  Compare_CompareResult,
  Compare_CompareTarget,
  type Event,
  Event_EventType,
  RequestOp,
  type ResponseOp,
  type KeyValue as WireKeyValue,
} from '../../gen/etcd.ts';
import type { Row } from '../history.ts';
import type { Keyspace } from './keyspace.ts';

/** The store's values in etcd's words and back. */

export function toCompare(keyspace: Keyspace, condition: Condition): Compare {
  const result = {
    equal: Compare_CompareResult.EQUAL,
    notEqual: Compare_CompareResult.NOT_EQUAL,
    less: Compare_CompareResult.LESS,
    greater: Compare_CompareResult.GREATER,
  }[condition.is ?? 'equal'];
  const target = {
    modRevision: Compare_CompareTarget.MOD,
    createRevision: Compare_CompareTarget.CREATE,
    version: Compare_CompareTarget.VERSION,
    lease: Compare_CompareTarget.LEASE,
    value: Compare_CompareTarget.VALUE,
  }[condition.target];
  const targetUnion = { $case: condition.target, value: condition.to } as Compare['targetUnion'];
  const key = keyspace.key(condition.key);
  return { result, target, key, targetUnion, rangeEnd: new Uint8Array() };
}

/** A condition that a key of the driver itself was last written at a revision; 0: it is not there. */
export function writtenAt(key: Uint8Array, revision: bigint): Compare {
  return Compare.fromPartial({
    result: Compare_CompareResult.EQUAL,
    target: Compare_CompareTarget.MOD,
    key,
    targetUnion: { $case: 'modRevision', value: revision },
  });
}

/** That a key, or every key of a range, is not there. */
export function absent(key: Uint8Array, rangeEnd?: Uint8Array): Compare {
  return Compare.fromPartial({
    result: Compare_CompareResult.EQUAL,
    target: Compare_CompareTarget.CREATE,
    key,
    targetUnion: { $case: 'createRevision', value: 0n },
    ...(rangeEnd && { rangeEnd }),
  });
}

export function get(key: Uint8Array): RequestOp {
  return RequestOp.fromPartial({ request: { $case: 'requestRange', value: { key } } });
}

export function put(key: Uint8Array, value: Uint8Array, lease = 0n): RequestOp {
  return RequestOp.fromPartial({ request: { $case: 'requestPut', value: { key, value, lease } } });
}

/** `undefined` when there is nothing to ask: a range in which no key can lie. */
export function toRequestOp(keyspace: Keyspace, operation: StoreOperation): RequestOp | undefined {
  switch (operation.op) {
    case 'put':
      return put(keyspace.key(operation.key), operation.value, operation.lease);
    case 'get':
      return get(keyspace.key(operation.key));
    case 'delete':
      return remove(keyspace.key(operation.key));
    case 'deleteRange': {
      const range = keyspace.range(operation.range);
      return range && remove(range.key, range.rangeEnd);
    }
  }
}

function remove(key: Uint8Array, rangeEnd?: Uint8Array): RequestOp {
  const value = { key, ...(rangeEnd && { rangeEnd }) };
  return RequestOp.fromPartial({ request: { $case: 'requestDeleteRange', value } });
}

/** One result per operation; those that were not asked for found nothing. */
export function toResults(
  keyspace: Keyspace,
  operations: readonly StoreOperation[],
  responses: readonly ResponseOp[],
): OperationResult[] {
  let next = 0;
  return operations.map((operation): OperationResult => {
    const asked = toRequestOp(keyspace, operation) !== undefined;
    const response = asked ? responses[next++]?.response : undefined;
    if (operation.op === 'put') return { op: 'put' };
    if (operation.op === 'get') {
      const found = response?.$case === 'responseRange' ? response.value.kvs[0] : undefined;
      const entry = found && toEntry(keyspace, found);
      return entry === undefined ? { op: 'get' } : { op: 'get', entry };
    }
    const deleted = response?.$case === 'responseDeleteRange' ? Number(response.value.deleted) : 0;
    return { op: operation.op, deleted };
  });
}

export function toEntry(keyspace: Keyspace, kv: WireKeyValue): KeyValue | undefined {
  const key = keyspace.keyOf(kv.key);
  if (key === undefined) return undefined;
  const { value, createRevision, modRevision, version, lease } = kv;
  return { key, value, createRevision, modRevision, version, lease };
}

/** What watchers are told of; events of the driver's own keys are left out. */
export function toRows(keyspace: Keyspace, events: readonly Event[]): Row[] {
  return events.flatMap(({ type, kv }): Row[] => {
    const entry = kv && toEntry(keyspace, kv);
    if (entry === undefined) return [];
    return type === Event_EventType.DELETE ? [{ ...entry, value: undefined }] : [entry];
  });
}

export function writes(request: TransactionRequest): boolean {
  return [...request.success, ...(request.failure ?? [])].some(({ op }) => op !== 'get');
}
