import type { Random } from '@tessera/base';
import type { BadCertificate } from '@tessera/testkit/cluster';

/**
 * One thing that goes wrong with a cluster of three hosts. Daemons are named such as `query-2`. A host that is killed
 * tells its peers so, as its kernel lives on; one that is lost says nothing any more.
 */
export type Fault =
  | { readonly kind: 'kill'; readonly daemon: string }
  | { readonly kind: 'kill-host'; readonly host: number }
  | { readonly kind: 'lose-host'; readonly host: number }
  | { readonly kind: 'pause'; readonly daemon: string }
  | { readonly kind: 'cut-off'; readonly host: number }
  | { readonly kind: 'separate'; readonly hosts: readonly [number, number] }
  | { readonly kind: 'narrow'; readonly host: number; readonly kilobits: number }
  | { readonly kind: 'fill-disk'; readonly disk: 'etcd' | 'storage'; readonly host: number }
  | { readonly kind: 'slow-sync'; readonly daemon: string; readonly delayMs: number }
  | { readonly kind: 'corrupt'; readonly host: number; readonly choice: number }
  | { readonly kind: 'vanish'; readonly host: number; readonly choice: number }
  | { readonly kind: 'bad-certificate'; readonly daemon: string; readonly how: BadCertificate }
  | { readonly kind: 'skew-clock'; readonly daemon: string; readonly aheadMinutes: number };

export type FaultKind = Fault['kind'];

/** Faults that are there at the same time, and for how long. */
export interface Round {
  readonly faults: readonly Fault[];
  readonly holdMs: number;
}

export interface Targets {
  readonly daemons: readonly string[];
  readonly hosts: number;
  /** Kinds that cannot be made here. */
  readonly without?: ReadonlySet<FaultKind>;
}

const weights: Readonly<Record<FaultKind, number>> = {
  kill: 8,
  'kill-host': 2,
  'lose-host': 2,
  pause: 4,
  'cut-off': 2,
  separate: 3,
  narrow: 2,
  'fill-disk': 2,
  'slow-sync': 2,
  corrupt: 3,
  vanish: 2,
  'bad-certificate': 3,
  'skew-clock': 2,
};
export const faultKinds = Object.keys(weights) as readonly FaultKind[];
const mostAtOnce = 6;
/** Shorter and longer than the leases of leaders last. */
const holdMs = { least: 300, most: 4_500 } as const;

/** Rounds with at least so many faults in all. The same randomness gives the same rounds. */
export function chooseRounds(random: Random, faults: number, targets: Targets): readonly Round[] {
  const rounds: Round[] = [];
  for (let chosen = 0; chosen < faults; ) {
    const round = chooseRound(random, targets);
    rounds.push(round);
    chosen += round.faults.length;
  }
  return rounds;
}

/** Never two of the same kind with the same target: healing one would heal the other. */
function chooseRound(random: Random, targets: Targets): Round {
  const count = random.integer(1, mostAtOnce);
  const byTarget = new Map<string, Fault>();
  for (let i = 0; i < count; i++) {
    const fault = chooseFault(random, targets);
    byTarget.set(targetOf(fault), fault);
  }
  // The square makes short ones more frequent.
  const span = holdMs.most - holdMs.least;
  return {
    faults: [...byTarget.values()],
    holdMs: holdMs.least + Math.round(random.next() ** 2 * span),
  };
}

function chooseFault(random: Random, targets: Targets): Fault {
  const kind = chooseKind(random, targets.without ?? new Set());
  const host = random.integer(0, targets.hosts - 1);
  switch (kind) {
    case 'kill':
    case 'pause':
      return { kind, daemon: random.pick(targets.daemons) };
    case 'slow-sync': {
      const syncing = targets.daemons.filter((name) => /^(etcd|storage)-/.test(name));
      return { kind, daemon: random.pick(syncing), delayMs: random.pick([20, 200, 800]) };
    }
    case 'kill-host':
    case 'lose-host':
    case 'cut-off':
      return { kind, host };
    case 'separate':
      return { kind, hosts: [host, (host + random.integer(1, targets.hosts - 1)) % targets.hosts] };
    case 'narrow':
      return { kind, host, kilobits: random.pick([256, 2_000, 20_000]) };
    case 'fill-disk':
      return { kind, disk: random.pick(['etcd', 'storage'] as const), host };
    case 'corrupt':
    case 'vanish':
      return { kind, host, choice: random.integer(0, 1_000_000) };
    case 'bad-certificate': {
      const how = random.pick(['expired', 'foreign'] as const);
      return { kind, daemon: random.pick(targets.daemons), how };
    }
    case 'skew-clock': {
      const own = targets.daemons.filter((name) => !name.startsWith('etcd-'));
      return { kind, daemon: random.pick(own), aheadMinutes: random.integer(1, 10) };
    }
  }
}

function chooseKind(random: Random, without: ReadonlySet<FaultKind>): FaultKind {
  const kinds = faultKinds.filter((kind) => !without.has(kind));
  const all = kinds.flatMap((kind) => Array<FaultKind>(weights[kind]).fill(kind));
  return random.pick(all);
}

/** What must be well again before the same can be done to it once more. */
function targetOf(fault: Fault): string {
  switch (fault.kind) {
    case 'kill':
    case 'pause':
    case 'slow-sync':
    case 'bad-certificate':
    case 'skew-clock':
      return `${fault.kind} ${fault.daemon}`;
    case 'separate':
      return `separate ${fault.hosts.toSorted().join()}`;
    case 'fill-disk':
      return `fill-disk ${fault.disk}-${fault.host}`;
    case 'lose-host':
    case 'cut-off': // Both take the host off the network, and put it back.
      return `link ${fault.host}`;
    default:
      return `${fault.kind} ${fault.host}`;
  }
}

/** Such as `kill query-2`. */
export function formatFault(fault: Fault): string {
  switch (fault.kind) {
    case 'kill':
    case 'pause':
      return `${fault.kind} ${fault.daemon}`;
    case 'slow-sync':
      return `slow-sync ${fault.daemon} by ${fault.delayMs} ms`;
    case 'kill-host':
    case 'lose-host':
    case 'cut-off':
      return `${fault.kind} ${fault.host}`;
    case 'separate':
      return `separate ${fault.hosts.join(' and ')}`;
    case 'narrow':
      return `narrow ${fault.host} to ${fault.kilobits} kbit/s`;
    case 'fill-disk':
      return `fill-disk ${fault.disk}-${fault.host}`;
    case 'corrupt':
      return `corrupt a file of storage-${fault.host}`;
    case 'vanish':
      return `let a file of storage-${fault.host} vanish`;
    case 'bad-certificate':
      return `give ${fault.daemon} a certificate that is ${fault.how}`;
    case 'skew-clock':
      return `set the clock of ${fault.daemon} ${fault.aheadMinutes} minutes ahead`;
  }
}
