import { type Random, seededRandom } from '@tessera/base';
import { describe, expect, test } from 'vitest';
import { decideReplicas, type ReplicasSeen } from './decide.ts';
import type { SeenNode, StoredItem } from './stored-item.ts';

const limits = { inboundBytes: 1_000, outboundBytes: 1_000, deepBytes: 1_000 };
const nodeOf = (id: string, change: Partial<SeenNode> = {}): SeenNode => ({
  id,
  rack: '',
  capacityBytes: 1e6,
  draining: false,
  state: 'alive',
  ...change,
});
const itemOf = (name: string, recorded: readonly string[], change: Partial<StoredItem> = {}) => ({
  name,
  kind: 'segment' as const,
  files: [],
  bytes: 100,
  recorded,
  inDeepStorage: true,
  replication: 2,
  ...change,
});
const seenOf = (change: Partial<ReplicasSeen>): ReplicasSeen => ({
  items: [],
  nodes: [nodeOf('a'), nodeOf('b'), nodeOf('c')],
  lacking: new Map(),
  found: new Map(),
  underWay: [],
  withoutDeep: new Set(),
  limits,
  ...change,
});
const nodesWith = (c: Partial<SeenNode>) => [nodeOf('a'), nodeOf('b'), nodeOf('c', c)];

describe('what to do about replicas', () => {
  test('is nothing when every item is where it shall be', () => {
    const items = [itemOf('s', ['a', 'b'])];
    const decision = decideReplicas(seenOf({ items }));
    expect(decision).toMatchObject({ copies: [], records: [], adoptions: [], uploads: [] });
  });

  test('is nothing while a node that is silent may come back', () => {
    const items = [itemOf('s', ['a', 'c'])];
    const decision = decideReplicas(seenOf({ items, nodes: nodesWith({ state: 'silent' }) }));
    expect(decision).toMatchObject({ copies: [], records: [] });
  });

  test('is a copy, and then a record without it, when a node is lost', () => {
    const nodes = nodesWith({ state: 'lost' });
    const lost = decideReplicas(seenOf({ items: [itemOf('s', ['a', 'c'])], nodes }));
    expect(lost).toMatchObject({ copies: [{ item: 's', from: 'a', to: 'b' }], records: [] });
    const copied = decideReplicas(seenOf({ items: [itemOf('s', ['a', 'b', 'c'])], nodes }));
    expect(copied).toMatchObject({ copies: [], records: [{ item: 's', replicas: ['a', 'b'] }] });
  });

  test('is no second copy while the first goes on', () => {
    const items = [itemOf('s', ['a'])];
    const nodes = nodesWith({ draining: true });
    const underWay = [{ item: 's', from: 'a', to: 'b' }];
    expect(decideReplicas(seenOf({ items, nodes, underWay })).copies).toEqual([]);
  });

  test('empties a node that is drained, when there is room elsewhere', () => {
    const nodes = nodesWith({ draining: true });
    const full = decideReplicas(seenOf({ items: [itemOf('s', ['a', 'c'])], nodes }));
    expect(full).toMatchObject({ copies: [{ to: 'b' }], records: [] });
    const few = { items: [itemOf('s', ['b', 'c'])], nodes: nodes.slice(1) };
    const stuck = decideReplicas(seenOf(few));
    expect(stuck).toMatchObject({ copies: [], records: [] });
    expect(stuck.conditions).toMatchObject([{ reason: 'HOSTS_TOO_FEW' }]);
  });

  test('copies again what a node has lost, from a node that has it or from deep storage', () => {
    const lacking = new Map([['b', new Set(['s', 't'])]]);
    const items = [itemOf('s', ['a', 'b']), itemOf('t', ['b'], { replication: 1 })];
    const { copies } = decideReplicas(seenOf({ items, lacking }));
    expect(copies).toContainEqual({ item: 's', from: 'a', to: 'b' });
    expect(copies).toContainEqual({ item: 't', to: 'b' });
  });

  test('says which items have no whole copy anywhere', () => {
    const lacking = new Map([['b', new Set(['t'])]]);
    const items = [itemOf('t', ['b'], { inDeepStorage: false })];
    expect(decideReplicas(seenOf({ items, lacking })).withoutSource).toEqual(['t']);
    const found = new Map([
      ['c', []],
      ['t', ['c']],
    ]);
    const searched = decideReplicas(seenOf({ items, lacking, found }));
    expect(searched).toMatchObject({ withoutSource: [], adoptions: [{ item: 't', node: 'c' }] });
  });

  test('keeps a snapshot on all nodes, and on a drained one for as long as its segments are there', () => {
    const nodes = nodesWith({ draining: true });
    const snapshot = { kind: 'snapshot' as const, usedOn: ['a', 'c'] };
    const used = itemOf('s', ['a', 'b', 'c'], snapshot);
    expect(decideReplicas(seenOf({ items: [used], nodes })).records).toEqual([]);
    const unused = { ...used, usedOn: ['a', 'b'] };
    const decision = decideReplicas(seenOf({ items: [unused], nodes }));
    expect(decision.records).toEqual([{ item: 's', replicas: ['a', 'b'] }]);
  });

  test('stores in deep storage what is not there', () => {
    const items = [itemOf('s', ['a', 'b'], { inDeepStorage: false })];
    expect(decideReplicas(seenOf({ items })).uploads).toEqual([{ item: 's', node: 'a' }]);
    const withoutDeep = new Set(['a', 'b']);
    expect(decideReplicas(seenOf({ items, withoutDeep })).uploads).toEqual([]);
  });
});

describe('decisions, turn by turn', () => {
  test.each(Array.from({ length: 40 }, (_, i) => i + 1))(
    'seed %i: no verified copy is given up that is needed, and in the end all is as it shall be',
    (seed) => {
      const world = new FakeNodes(seededRandom(seed));
      for (let turn = 0; turn < 80; turn++) {
        world.breakSomething();
        world.turn();
      }
      world.calm();
      let turns = 0;
      while (world.turn() > 0) expect(++turns).toBeLessThan(200);
      for (const { name, recorded, replication } of world.items) {
        expect(recorded, name).toHaveLength(replication);
        expect(world.verified(name), name).toHaveLength(replication);
      }
    },
  );
});

/** Nodes with files, and records of them; a leader that forgets all between turns. */
class FakeNodes {
  readonly #random: Random;
  #nodes: SeenNode[] = ['a', 'b', 'c', 'd', 'e'].map((id) => nodeOf(id));
  #items: StoredItem[];
  readonly #disks: Map<string, Set<string>>;

  constructor(random: Random) {
    this.#random = random;
    this.#items = Array.from({ length: 30 }, (_, i) =>
      itemOf(`s${i}`, ['a', 'b'], { inDeepStorage: false, bytes: 50 + (i % 7) }),
    );
    const all = this.#items.map(({ name }) => name);
    this.#disks = new Map(
      this.#nodes.map(({ id }) => [id, new Set(id === 'a' || id === 'b' ? all : [])]),
    );
  }

  get items(): readonly StoredItem[] {
    return this.#items;
  }

  /** Nodes that are recorded, alive or not, and truly have it. */
  verified(name: string): string[] {
    const { recorded } = this.#items.find((item) => item.name === name)!;
    return recorded.filter((node) => this.#disks.get(node)!.has(name));
  }

  breakSomething(): void {
    const random = this.#random;
    const at = random.integer(0, this.#nodes.length - 1);
    const node = this.#nodes[at]!;
    const away = this.#nodes.filter(({ state }) => state !== 'alive').length;
    const next: Partial<SeenNode> = {};
    const what = random.integer(0, 5);
    if (what === 0 && away < 1) Object.assign(next, { state: 'silent' });
    if (what === 1 && node.state === 'silent') Object.assign(next, { state: 'lost' });
    if (what === 2) Object.assign(next, { state: 'alive' });
    if (what === 3) Object.assign(next, { draining: !node.draining });
    if (what === 4) this.#rot(node.id);
    this.#nodes[at] = { ...node, ...next };
  }

  calm(): void {
    this.#nodes = this.#nodes.map(({ id }) => nodeOf(id));
  }

  /** One decision, of which some steps are never taken; how many there were. */
  turn(): number {
    const decision = decideReplicas(this.#seen());
    const { copies, records, adoptions } = decision;
    for (const { item, from, to } of copies) {
      expect(this.#disks.get(from!)!.has(item), `${item} from ${from}`).toBe(true);
      if (this.#random.next() < 0.3) continue;
      this.#disks.get(to)!.add(item);
      this.#record(item, (recorded) => [...new Set([...recorded, to])]);
    }
    for (const { item, node } of adoptions) {
      this.#record(item, (recorded) => [...new Set([...recorded, node])]);
    }
    for (const { item, replicas } of records) {
      const before = this.verified(item).length;
      this.#record(item, () => replicas);
      expect(this.verified(item).length, item).toBeGreaterThanOrEqual(Math.min(before, 2));
    }
    for (const { name } of this.#items) expect(this.verified(name), name).not.toEqual([]);
    return copies.length + records.length + adoptions.length;
  }

  #seen(): ReplicasSeen {
    const lacking = this.#nodes.map(({ id }) => {
      const missed = this.#items.filter(({ name }) => !this.#disks.get(id)!.has(name));
      return [id, new Set(missed.map(({ name }) => name))] as const;
    });
    const nodes = this.#nodes;
    return seenOf({ items: this.#items, nodes, lacking: new Map(lacking) });
  }

  #record(name: string, change: (recorded: readonly string[]) => readonly string[]): void {
    this.#items = this.#items.map((item) =>
      item.name === name ? { ...item, recorded: change(item.recorded) } : item,
    );
  }

  /** Loses a copy, unless it is the last one that is verified. */
  #rot(node: string): void {
    const held = [...this.#disks.get(node)!].filter(
      (name) =>
        this.verified(name).filter((other) => other !== node && this.#isAlive(other)).length > 0,
    );
    if (held.length > 0) this.#disks.get(node)!.delete(this.#random.pick(held));
  }

  #isAlive(id: string): boolean {
    return this.#nodes.find((node) => node.id === id)!.state === 'alive';
  }
}
