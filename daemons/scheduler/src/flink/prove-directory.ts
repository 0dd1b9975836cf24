import { randomBytes } from 'node:crypto';

/** Which hosts see one directory: what one writes there the others read, and the other way round. */

/** One host that is asked. Failures that say something of the directory are outcomes; others are thrown. */
export interface ProbedHost {
  readonly id: string;
  /** Writes a probe of this host. */
  write(nonce: string, createDirectory: boolean): Promise<ProbeOutcome>;
  /** Looks for a probe that a host has written. */
  read(writer: string, nonce: string): Promise<ProbeOutcome>;
}

export type ProbeOutcome =
  | { readonly kind: 'done'; readonly content: string }
  /** The directory, or the probe in it, is not there. */
  | { readonly kind: 'missing'; readonly what: 'directory' | 'probe' }
  | { readonly kind: 'failed'; readonly detail: string };

/** `undefined`: it sees the directory as the others do. Otherwise why not, in words. */
export type Verdict = string | undefined;

/** Groups of hosts that see different directories under one name are told apart up to so many. */
const maxGroups = 4;

/**
 * The verdict on each host; none on one that could not be asked. The directory is made when no host has it.
 * @param atHome hosts where the cluster has processes: the directory that most of them see is the right one
 */
export async function proveDirectory(
  hosts: readonly ProbedHost[],
  atHome: ReadonlySet<string>,
): Promise<ReadonlyMap<string, Verdict>> {
  const verdicts = new Map<string, Verdict>();
  const groups: (readonly string[])[] = [];
  let rest = await thatWrite(hosts, verdicts);
  for (let i = 0; i < maxGroups && rest.length > 0; i++) {
    const [writer, ...others] = rest;
    const group = await groupOf(writer!, others, verdicts);
    groups.push([writer!.host.id, ...group.map(({ host }) => host.id)]);
    rest = others.filter((one) => !group.includes(one) && !verdicts.has(one.host.id));
  }
  const right = chosen(groups, atHome);
  for (const id of right) verdicts.set(id, undefined);
  for (const id of [...groups.flat(), ...rest.map(({ host }) => host.id)]) {
    if (right.includes(id)) continue;
    verdicts.set(id, `what ${right[0]} writes there is not there on this host`);
  }
  return verdicts;
}

interface Written {
  readonly host: ProbedHost;
  readonly nonce: string;
}

/** Those that could write a probe. The first one makes the directory when all say that it is missing. */
async function thatWrite(
  hosts: readonly ProbedHost[],
  verdicts: Map<string, Verdict>,
): Promise<readonly Written[]> {
  const all = await askAll(hosts, async (host) => {
    const nonce = newNonce();
    return { host, nonce, outcome: await host.write(nonce, false) };
  });
  const isNowhere = all.every(({ outcome }) => outcome.kind === 'missing');
  const [first] = all;
  if (isNowhere && first !== undefined) {
    const made = await askAll([first.host], (host) => host.write(first.nonce, true));
    if (made.length === 0) return [];
    // The others wrote nothing: those that see what was made there write now.
    const again = await askAll(
      all.slice(1).map(({ host }) => host),
      async (host) => {
        const nonce = newNonce();
        return { host, nonce, outcome: await host.write(nonce, false) };
      },
    );
    return judged([{ ...first, outcome: made[0]! }, ...again], verdicts);
  }
  return judged(all, verdicts);
}

function judged(
  all: readonly (Written & { readonly outcome: ProbeOutcome })[],
  verdicts: Map<string, Verdict>,
): readonly Written[] {
  return all.filter(({ host, outcome }) => {
    if (outcome.kind !== 'done') verdicts.set(host.id, wordsOf(outcome));
    return outcome.kind === 'done';
  });
}

/** Those that read what the writer wrote, and whose own probe it reads. */
async function groupOf(
  writer: Written,
  others: readonly Written[],
  verdicts: Map<string, Verdict>,
): Promise<readonly Written[]> {
  const seen = await askAll(others, async (other) => ({
    other,
    there: await other.host.read(writer.host.id, writer.nonce),
    back: await writer.host.read(other.host.id, other.nonce),
  }));
  return seen.flatMap(({ other, there, back }) => {
    if (there.kind === 'failed') verdicts.set(other.host.id, wordsOf(there));
    return holds(there, writer.nonce) && holds(back, other.nonce) ? [other] : [];
  });
}

function holds(outcome: ProbeOutcome, nonce: string): boolean {
  return outcome.kind === 'done' && outcome.content === nonce;
}

/** The group that most processes see, then the largest one, then the first one. */
function chosen(
  groups: readonly (readonly string[])[],
  atHome: ReadonlySet<string>,
): readonly string[] {
  const homes = (group: readonly string[]) => group.filter((id) => atHome.has(id)).length;
  const ranked = groups.toSorted((a, b) => homes(b) - homes(a) || b.length - a.length);
  return ranked[0] ?? [];
}

function wordsOf(outcome: Exclude<ProbeOutcome, { kind: 'done' }>): string {
  if (outcome.kind === 'failed') return outcome.detail;
  return outcome.what === 'directory' ? 'it is not there on this host' : 'it is not shared';
}

/** Without those that could not be asked. */
async function askAll<H, T>(hosts: readonly H[], ask: (host: H) => Promise<T>): Promise<T[]> {
  const answers = await Promise.allSettled(hosts.map(ask));
  return answers.flatMap((answer) => (answer.status === 'fulfilled' ? [answer.value] : []));
}

function newNonce(): string {
  return randomBytes(16).toString('hex');
}
