import { lostAfterMs } from '@tessera/flink';
import type { SeenHost } from '../hosts/observe-hosts.ts';

/** A host that has been silent for so long is given no more work, and what it did is done elsewhere. */
const silentMs = 15_000;
/** How long a host that was out has to be there before it is given work again; doubled each time that it was out. */
const probationMs = { first: 30_000, longest: 900_000 };
/** After so long an absence is forgotten. */
const rememberedMs = 3_600_000;
/** A host that was silent so often, however shortly, within that time comes and goes. */
const unsteady = { gaps: 3, withinMs: 300_000 } as const;

/** What is wrong with a host that is not drained. */
export type HostTrouble =
  /** It is silent for too long, and what it did is done elsewhere. */
  | 'HOST_SILENT'
  /** It is back, and not yet for long enough to be given work. */
  | 'HOST_RETURNED'
  /** It was silent for moments again and again. */
  | 'HOST_UNSTEADY';

interface Known {
  /** Since when it is silent. */
  readonly silentSinceMs?: number;
  /** It was silent for too long, and has not been back for long enough. */
  readonly isOut: boolean;
  readonly backSinceMs?: number;
  /** When it came back each time. */
  readonly returnsMs: readonly number[];
  /** When it was seen again after any silence: the newest few. */
  readonly gapsMs: readonly number[];
}

const unknown: Known = { isOut: false, returnsMs: [], gapsMs: [] };

/** Since when a host is seen without its lease, in one session. */
interface Free {
  readonly session: string;
  /** When the look was over that saw it first. */
  readonly sinceMs: number;
  /** When the last one began. */
  readonly untilMs: number;
}

/** When a look at the hosts began and was over, by one clock. */
export interface LookTimes {
  readonly beganMs: number;
  readonly overMs: number;
}

/** Which hosts are given work, and which are lost, as one leader has seen them. A host that comes and goes is given no work before it has been there for a while. */
export class HostWatch {
  #known = new Map<string, Known>();
  #free = new Map<string, Free>();

  /** Remembers what was seen of all hosts. */
  look(hosts: readonly SeenHost[], times: LookTimes): void {
    this.#known = new Map(
      hosts.map(({ name, processes }) => {
        const before = this.#known.get(name) ?? unknown;
        return [name, (processes === undefined ? silent : seen)(before, times.overMs)];
      }),
    );
    this.#free = new Map(
      hosts.flatMap((host) => {
        const free = freeOf(host, this.#free.get(host.name), times);
        return free === undefined ? [] : [[host.name, free]];
      }),
    );
  }

  /** Nothing of Flink runs there any more: it was started to end when its host is cut off, and has been for long enough. */
  isLost({ name, cutOffAfterMs }: SeenHost): boolean {
    const free = this.#free.get(name);
    if (free === undefined || cutOffAfterMs === undefined) return false;
    return free.untilMs - free.sinceMs > lostAfterMs(cutOffAfterMs);
  }

  /** Why a host is given no work, and what it does should be done elsewhere; `undefined`: it is fit. */
  unfit({ name, isDraining }: SeenHost): string | undefined {
    if (isDraining) return 'DRAINING';
    const { isOut, silentSinceMs } = this.#known.get(name) ?? unknown;
    if (!isOut) return undefined;
    return silentSinceMs === undefined ? 'RETURNED' : 'SILENT';
  }

  /** What is wrong with a host, whether it is drained or not. */
  troubleOf({ name }: SeenHost): HostTrouble | undefined {
    const { isOut, silentSinceMs, gapsMs } = this.#known.get(name) ?? unknown;
    if (isOut) return silentSinceMs === undefined ? 'HOST_RETURNED' : 'HOST_SILENT';
    return gapsMs.length < unsteady.gaps ? undefined : 'HOST_UNSTEADY';
  }
}

function silent(before: Known, nowMs: number): Known {
  const sinceMs = before.silentSinceMs ?? nowMs;
  const { backSinceMs: _, ...known } = { ...before, gapsMs: recentGaps(before, nowMs) };
  return { ...known, silentSinceMs: sinceMs, isOut: before.isOut || nowMs - sinceMs > silentMs };
}

function seen(before: Known, nowMs: number): Known {
  const { silentSinceMs, isOut, backSinceMs, returnsMs } = before;
  const recent = returnsMs.filter((atMs) => nowMs - atMs < rememberedMs);
  const isGap = silentSinceMs !== undefined;
  const gapsMs = [...recentGaps(before, nowMs), ...(isGap ? [nowMs] : [])].slice(-unsteady.gaps);
  if (!isOut) return { isOut, returnsMs: recent, gapsMs };
  if (isGap) return { isOut, backSinceMs: nowMs, returnsMs: [...recent, nowMs], gapsMs };
  const sinceMs = backSinceMs ?? nowMs;
  const waitMs = probationMs.first * 2 ** Math.max(0, recent.length - 1);
  const isStill = nowMs - sinceMs < Math.min(waitMs, probationMs.longest);
  return { isOut: isStill, backSinceMs: sinceMs, returnsMs: recent, gapsMs };
}

function recentGaps({ gapsMs }: Known, nowMs: number): readonly number[] {
  return gapsMs.filter((atMs) => nowMs - atMs < unsteady.withinMs);
}

/** A host of another session may have been in touch since it was seen before. */
function freeOf(
  { isLeaseFree, session }: SeenHost,
  before: Free | undefined,
  { beganMs, overMs }: LookTimes,
): Free | undefined {
  if (!isLeaseFree || !session) return undefined;
  const sinceMs = before?.session === session ? before.sinceMs : overMs;
  return { session, sinceMs, untilMs: beganMs };
}
