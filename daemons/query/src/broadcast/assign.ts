/** How one daemon is doing, as far as choosing among replicas goes. */
export interface Standing {
  /** Calls that it has not answered yet. */
  readonly pendingCount: number;
  /** True: it failed or was too slow a short time ago. */
  readonly suspect: boolean;
}

/** What one daemon is asked for. */
export interface Share {
  readonly daemon: string;
  /** Of the files. */
  readonly indexes: readonly number[];
}

/** Calls by which daemons must differ before a file is read elsewhere than where it is warm. */
const loadStep = 4;

/** A file, and which daemons have it. */
export interface HeldFile {
  readonly key: string;
  readonly daemons: readonly string[];
}

export type StandingOf = (daemon: string) => Standing;

/**
 * Chooses a daemon for each file among those that have it: one that is not suspect, then one with clearly less to do,
 * then always the same for the same file, so that its tiles stay warm there. Undefined when some file has none.
 */
export function assign(
  files: readonly HeldFile[],
  standing: StandingOf,
): readonly Share[] | undefined {
  const shares = new Map<string, number[]>();
  for (const [index, { key, daemons }] of files.entries()) {
    const ranked = daemons.map((daemon) => rank(daemon, key, standing(daemon)));
    const best = ranked.sort(byRank).at(0);
    if (best === undefined) return undefined;
    const share = shares.get(best.daemon) ?? [];
    shares.set(best.daemon, share);
    share.push(index);
  }
  return [...shares].map(([daemon, indexes]) => ({ daemon, indexes }));
}

interface Ranked {
  readonly daemon: string;
  readonly suspect: number;
  readonly load: number;
  readonly affinity: number;
}

/** Those of the daemons that are not suspect, if there are any, and of these those with the least to do. */
export function fittest(daemons: readonly string[], standing: StandingOf): readonly string[] {
  const ranked = daemons.map((daemon) => rank(daemon, '', standing(daemon)));
  const best = ranked.toSorted(byRank).at(0);
  const isAsGood = (one: Ranked) => one.suspect === best!.suspect && one.load === best!.load;
  return ranked.filter(isAsGood).map(({ daemon }) => daemon);
}

function rank(daemon: string, key: string, { pendingCount, suspect }: Standing): Ranked {
  const load = Math.floor(pendingCount / loadStep);
  return { daemon, suspect: Number(suspect), load, affinity: affinity(daemon, key) };
}

function byRank(a: Ranked, b: Ranked): number {
  return a.suspect - b.suspect || a.load - b.load || a.affinity - b.affinity;
}

/** Between a daemon and what it may read: always the same, and as good as random. */
export function affinity(daemon: string, key: string): number {
  return hash(`${daemon} ${key}`);
}

/** FNV-1a with a last mix, so that names which differ in one character are far apart. */
function hash(text: string): number {
  let h = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193);
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  return (h ^ (h >>> 13)) >>> 0;
}
