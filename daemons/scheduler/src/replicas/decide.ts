import {
  type CopyLimits,
  decide,
  type Placement,
  type PlacementCondition,
  type Replica,
} from '@tessera/placement';
import type { SeenNode, StoredItem } from './stored-item.ts';
import { wantedPlacement } from './wanted.ts';

/** Items and nodes at one moment, a plain value. */
export interface ReplicasSeen {
  readonly items: readonly StoredItem[];
  readonly nodes: readonly SeenNode[];
  /** By node: names of the items that are recorded there and of which a file is missing. */
  readonly lacking: ReadonlyMap<string, ReadonlySet<string>>;
  /** By name of an item without records: nodes on which all its files were found. */
  readonly found: ReadonlyMap<string, readonly string[]>;
  /** Copies that go on. */
  readonly underWay: readonly Copy[];
  /** Nodes that have no deep storage. */
  readonly withoutDeep: ReadonlySet<string>;
  readonly limits: CopyLimits;
}

export interface Copy {
  readonly item: string;
  /** A node with a verified copy; absent: deep storage. */
  readonly from?: string;
  readonly to: string;
}

export interface ReplicasDecision {
  readonly copies: readonly Copy[];
  /** Nodes whose files, found without a record of them, are to be verified where they are. */
  readonly adoptions: readonly { readonly item: string; readonly node: string }[];
  /** Records to write: every node in them holds a verified copy, and there are as many as shall be. */
  readonly records: readonly { readonly item: string; readonly replicas: readonly string[] }[];
  /** Items to store in deep storage, with a node that holds them. */
  readonly uploads: readonly { readonly item: string; readonly node: string }[];
  /** What of the wish the nodes cannot give. */
  readonly conditions: readonly PlacementCondition[];
  /** Items that lack a replica and have no whole copy on any node that answers, nor in deep storage. */
  readonly withoutSource: readonly string[];
}

/**
 * What to do next so that every item is where it shall be. It remembers nothing, so that the next leader goes on where this one
 * was stopped: a copy is in no record before it is verified, and nothing leaves a record before all that shall be in it is there.
 */
export function decideReplicas(seen: ReplicasSeen): ReplicasDecision {
  const { limits } = seen;
  const { placement, conditions } = wantedPlacement(seen.items, seen.nodes);
  const items = unsettled(seen, placement);
  const byName = new Map(items.map((item) => [item.name, item]));
  const wanted = new Map(items.map(({ name }) => [name, placement.get(name) ?? []]));
  const observed = observedReplicas({ ...seen, items });
  const deep = new Set(items.filter((item) => item.inDeepStorage).map(({ name }) => name));
  const bytesOf = (name: string) => byName.get(name)!.bytes;
  const { steps, withoutSource } = decide({ wanted, observed, deep, bytesOf, limits });
  const copies = steps.flatMap((step) =>
    step.kind === 'copy'
      ? [
          {
            item: step.segment,
            to: step.to,
            ...(step.from === undefined ? {} : { from: step.from }),
          },
        ]
      : [],
  );
  return {
    copies,
    adoptions: adoptionsOf(seen, observed),
    records: recordsOf(items, wanted, observed),
    uploads: uploadsOf({ ...seen, items }, observed),
    conditions,
    withoutSource: withoutSource.filter((name) => !seen.found.has(name)),
  };
}

/** Items that there may be something to do about: of a hundred thousand nearly all are where they shall be. */
function unsettled(
  { items, nodes, lacking, found, underWay, withoutDeep }: ReplicasSeen,
  wanted: Placement,
): StoredItem[] {
  const alive = new Set(nodes.filter(({ state }) => state === 'alive').map(({ id }) => id));
  const mayStore = [...alive].some((node) => !withoutDeep.has(node));
  const moving = new Set(underWay.map(({ item }) => item));
  const broken = new Set([...lacking.values()].flatMap((names) => [...names]));
  const isOnAll = (name: string, recorded: readonly string[]) => {
    const nodes = wanted.get(name) ?? [];
    return (
      nodes.length === recorded.length &&
      nodes.every((node) => alive.has(node) && recorded.includes(node))
    );
  };
  return items.filter(
    ({ name, recorded, inDeepStorage }) =>
      (mayStore && !inDeepStorage) ||
      moving.has(name) ||
      broken.has(name) ||
      found.has(name) ||
      !isOnAll(name, recorded),
  );
}

type Observed = ReadonlyMap<string, ReadonlyMap<string, Replica>>;

/** By node that is alive: what is recorded there and was not missed, and what is being copied to it. */
function observedReplicas({ items, nodes, lacking, underWay }: ReplicasSeen): Observed {
  const alive = nodes.filter(({ state }) => state === 'alive');
  const observed = new Map(alive.map(({ id }) => [id, new Map<string, Replica>()]));
  for (const { name, recorded } of items) {
    for (const node of recorded) {
      if (lacking.get(node)?.has(name) !== true) observed.get(node)?.set(name, { kind: 'good' });
    }
  }
  for (const { item, from, to } of underWay) observed.get(to)?.set(item, { kind: 'copying', from });
  return observed;
}

function isGood(observed: Observed, node: string, item: string): boolean {
  return observed.get(node)?.get(item)?.kind === 'good';
}

function adoptionsOf({ found }: ReplicasSeen, observed: Observed): ReplicasDecision['adoptions'] {
  return [...found].flatMap(([item, nodes]) =>
    nodes.filter((node) => observed.get(node)?.has(item) === false).map((node) => ({ item, node })),
  );
}

/**
 * Records that are not as wanted although all that is wanted is there: surplus copies leave them, and nodes that were lost.
 * While there are fewer nodes than an item shall be on, nothing leaves: a lost node may come back with the last copy.
 */
function recordsOf(
  items: readonly StoredItem[],
  wanted: Placement,
  observed: Observed,
): ReplicasDecision['records'] {
  return items.flatMap(({ name, recorded, replication }) => {
    const replicas = wanted.get(name) ?? [];
    const isWhole =
      replicas.length >= replication && replicas.every((node) => isGood(observed, node, name));
    return isWhole && recorded.some((node) => !replicas.includes(node))
      ? [{ item: name, replicas }]
      : [];
  });
}

function uploadsOf(
  { items, withoutDeep }: ReplicasSeen,
  observed: Observed,
): ReplicasDecision['uploads'] {
  return items.flatMap(({ name, recorded, inDeepStorage }) => {
    if (inDeepStorage) return [];
    const node = recorded.find((id) => !withoutDeep.has(id) && isGood(observed, id, name));
    return node === undefined ? [] : [{ item: name, node }];
  });
}
