import type { Condition, StoreOperation } from '@tessera/base';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Contract } from './key-value-store.ts';
import { Area, bytes, expectReason, text } from './key-value-store-harness.ts';

const names = ['a', 'ab', 'b', 'c/1', 'c/2', '\u{1f600}'] as const;

const nameOf = fc.constantFrom(...names);
const anyValue = fc.constantFrom('', '1', '2', 'long '.repeat(50));

const operation = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({ op: fc.constant('put' as const), name: nameOf, value: anyValue }),
  },
  { weight: 2, arbitrary: fc.record({ op: fc.constant('delete' as const), name: nameOf }) },
  {
    weight: 1,
    arbitrary: fc.record({ op: fc.constant('deleteRange' as const), from: nameOf, to: nameOf }),
  },
  { weight: 1, arbitrary: fc.record({ op: fc.constant('get' as const), name: nameOf }) },
);
type Operation = typeof operation extends fc.Arbitrary<infer T> ? T : never;

const condition = fc.record({
  name: nameOf,
  target: fc.constantFrom('modRevision' as const, 'version' as const, 'value' as const),
  is: fc.constantFrom('equal' as const, 'notEqual' as const, 'less' as const, 'greater' as const),
  /** How far the compared number is from the true one. */
  offset: fc.integer({ min: -1, max: 1 }),
  value: anyValue,
});

const step = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constant('transaction' as const),
      compare: fc.array(condition, { maxLength: 2 }),
      success: fc.array(operation, { maxLength: 4 }),
      failure: fc.array(operation, { maxLength: 2 }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('compact' as const),
      back: fc.integer({ min: 0, max: 3 }),
    }),
  },
);

/** The store as one would write it on a napkin: a copy of everything for each revision. */
class Model {
  readonly history = new Map<bigint, ReadonlyMap<string, Entry>>();
  readonly changes: string[] = [];
  state: ReadonlyMap<string, Entry> = new Map();
  revision: bigint;
  compacted = 0n;

  constructor(revision: bigint) {
    this.revision = revision;
    this.history.set(revision, this.state);
  }

  run(operations: readonly Operation[]): void {
    const revision = this.revision + 1n;
    const state = new Map(this.state);
    const changes: string[] = [];
    for (const operation of operations) {
      if (operation.op === 'put') {
        const before = state.get(operation.name);
        state.set(operation.name, {
          value: operation.value,
          created: before?.created ?? revision,
          written: revision,
          version: (before?.version ?? 0n) + 1n,
        });
        changes.push(`${revision} ${operation.name}=${operation.value}`);
      } else if (operation.op !== 'get') {
        for (const name of [...state.keys()].sort(byBytes)) {
          if (!touches(operation, name)) continue;
          state.delete(name);
          changes.push(`${revision} -${name}`);
        }
      }
    }
    if (changes.length === 0) return;
    this.changes.push(...changes);
    this.state = state;
    this.revision = revision;
    this.history.set(revision, state);
  }
}

interface Entry {
  readonly value: string;
  readonly created: bigint;
  readonly written: bigint;
  readonly version: bigint;
}

export function modelTests(contract: Contract): void {
  test('random transactions, reads and compactions do what the simplest model does', async () => {
    let run = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 25 }), async (steps) => {
        const { store, prefix } = contract.area();
        const area = new Area(store, `${prefix}${run++}/`);
        const first = await area.revision();
        const model = new Model(first);
        for (const one of steps) await take(area, model, one);
        await compareHistory(area, model);
        await compareWatch(area, model, first + 1n);
      }),
      { numRuns: 60, seed: 20_261, endOnFailure: false },
    );
  });
}

type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

async function take(area: Area, model: Model, one: Step): Promise<void> {
  if (one.kind === 'compact') {
    const revision = model.revision - BigInt(one.back);
    await area.store.compact(revision < 0n ? 0n : revision);
    if (revision > model.compacted) model.compacted = revision;
    return;
  }
  const compare = one.compare.map((given) => toCondition(area, model, given));
  const holds = compare.every(({ expected }) => expected);
  const request = {
    compare: compare.map(({ condition }) => condition),
    success: one.success.map((operation) => toOperation(area, operation)),
    failure: one.failure.map((operation) => toOperation(area, operation)),
  };
  if (clashes(one.success) || clashes(one.failure)) {
    return expectReason(area.store.transaction(request), 'DUPLICATE_KEY');
  }
  const result = await area.store.transaction(request);
  expect(result.succeeded).toBe(holds);
  model.run(holds ? one.success : one.failure);
  expect(result.revision).toBe(model.revision);
}

async function compareHistory(area: Area, model: Model): Promise<void> {
  for (const [revision, state] of model.history) {
    if (revision < model.compacted) {
      await expectReason(area.store.list(area.range, { revision }), 'REVISION_COMPACTED');
      continue;
    }
    const { entries } = await area.store.list(area.range, { revision });
    const seen = entries.map((entry) => [
      entry.key.slice(area.prefix.length),
      {
        value: text(entry.value),
        created: entry.createRevision,
        written: entry.modRevision,
        version: entry.version,
      },
    ]);
    expect(seen).toEqual([...state].sort(([a], [b]) => byBytes(a, b)));
  }
}

async function compareWatch(area: Area, model: Model, first: bigint): Promise<void> {
  const start = model.compacted >= first ? model.compacted + 1n : first;
  const wanted = model.changes.filter((line) => BigInt(line.split(' ')[0]!) >= start);
  expect(await area.watchUntil(start, model.revision)).toEqual(wanted);
}

function toOperation(area: Area, operation: Operation): StoreOperation {
  switch (operation.op) {
    case 'put':
      return area.put(operation.name, operation.value);
    case 'delete':
      return area.delete(operation.name);
    case 'get':
      return { op: 'get', key: area.key(operation.name) };
    case 'deleteRange':
      return {
        op: 'deleteRange',
        range: { start: area.key(operation.from), end: area.key(operation.to) },
      };
  }
}

type GivenCondition = typeof condition extends fc.Arbitrary<infer T> ? T : never;

function toCondition(
  area: Area,
  model: Model,
  given: GivenCondition,
): { condition: Condition; expected: boolean } {
  const entry = model.state.get(given.name);
  const key = area.key(given.name);
  if (given.target === 'value') {
    const condition = { key, target: 'value', is: given.is, to: bytes(given.value) } as const;
    const order = entry && byBytes(entry.value, given.value);
    return { condition, expected: order !== undefined && ordered(order, given.is) };
  }
  const actual = (given.target === 'version' ? entry?.version : entry?.written) ?? 0n;
  const to = actual + BigInt(given.offset) < 0n ? 0n : actual + BigInt(given.offset);
  const condition = { key, target: given.target, is: given.is, to };
  return { condition, expected: ordered(Number(actual - to), given.is) };
}

function ordered(order: number, is: GivenCondition['is']): boolean {
  return { equal: order === 0, notEqual: order !== 0, less: order < 0, greater: order > 0 }[is];
}

function touches(operation: Operation, name: string): boolean {
  if (operation.op === 'delete') return operation.name === name;
  if (operation.op !== 'deleteRange') return false;
  return byBytes(name, operation.from) >= 0 && byBytes(name, operation.to) < 0;
}

function clashes(operations: readonly Operation[]): boolean {
  const puts = operations.flatMap((operation) => (operation.op === 'put' ? [operation.name] : []));
  return (
    new Set(puts).size < puts.length ||
    operations.some((operation) => puts.some((name) => touches(operation, name)))
  );
}

function byBytes(a: string, b: string): number {
  return Buffer.compare(bytes(a), bytes(b));
}
