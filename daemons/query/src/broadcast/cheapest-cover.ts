import { affinity, assign, fittest, type HeldFile, type Share, type StandingOf } from './assign.ts';

/** Of one more daemon: what the query daemon does to ask it and to merge what comes, after the others. */
const callMicros = 500;

/**
 * Chooses which daemon reads which file: each by the daemon where it is warm, or all by as few as can, whichever should
 * be over sooner. Either way each file is read once, and by a daemon that `assign` might take. Undefined when some file has none.
 */
export function cheapestCover(
  files: readonly HeldFile[],
  options: {
    readonly standing: StandingOf;
    /** The few are the same ones for the same key. */
    readonly key: string;
    /** Of scanning one file; absent: nothing is known of it, and it is worth asking many. */
    readonly fileMicros: number | undefined;
  },
): readonly Share[] | undefined {
  const { standing, key, fileMicros } = options;
  const spread = assign(files, standing);
  if (spread === undefined || spread.length < 2 || fileMicros === undefined) return spread;
  const fit = files.map(({ daemons }) => fittest(daemons, standing));
  const few = fewest(fit, key);
  const gathered = assign(
    files.map((file, i) => ({ ...file, daemons: fit[i]!.filter((daemon) => few.has(daemon)) })),
    standing,
  );
  return micros(gathered!, fileMicros) < micros(spread, fileMicros) ? gathered : spread;
}

/** Daemons work at the same time, the query daemon asks one after the other. */
function micros(shares: readonly Share[], fileMicros: number): number {
  const largest = Math.max(...shares.map(({ indexes }) => indexes.length));
  return shares.length * callMicros + largest * fileMicros;
}

/**
 * Daemons that together have all files and of which none can be left out: always the one with the most files that the
 * ones before it lack.
 */
function fewest(holders: readonly (readonly string[])[], key: string): ReadonlySet<string> {
  const chosen: string[] = [];
  let open = holders;
  while (open.length > 0) {
    const best = mostNamed(open, key);
    chosen.push(best);
    open = open.filter((daemons) => !daemons.includes(best));
  }
  const needed = new Set(chosen);
  for (const daemon of chosen) {
    needed.delete(daemon);
    const isWhole = holders.every((daemons) => daemons.some((one) => needed.has(one)));
    if (!isWhole) needed.add(daemon);
  }
  return needed;
}

function mostNamed(holders: readonly (readonly string[])[], key: string): string {
  const counts = new Map<string, number>();
  for (const daemon of holders.flat()) counts.set(daemon, (counts.get(daemon) ?? 0) + 1);
  const [first] = [...counts].sort(
    ([a, countOfA], [b, countOfB]) => countOfB - countOfA || affinity(a, key) - affinity(b, key),
  );
  return first![0];
}
