/** A load in steps, as the load job is given it: records per second from each second on. */
export interface LoadStep {
  readonly atSeconds: number;
  readonly perSecond: number;
}

/** Of `second:rate,second:rate,…`, ascending from 0 on. */
export function parseProfile(text: string): readonly LoadStep[] {
  return text.split(',').map((step) => {
    const [at, rate] = step.split(':').map(Number);
    if (at === undefined || rate === undefined || Number.isNaN(at + rate)) {
      throw new Error(`${JSON.stringify(step)} is no step of a load: write second:rate.`);
    }
    return { atSeconds: at, perSecond: rate };
  });
}

/** Records that were offered until a second. */
export function offeredUntil(profile: readonly LoadStep[], seconds: number): number {
  const parts = profile.map(({ atSeconds, perSecond }, i) => {
    const end = Math.min(seconds, profile[i + 1]?.atSeconds ?? seconds);
    return Math.max(0, end - atSeconds) * perSecond;
  });
  return Math.floor(parts.reduce((sum, part) => sum + part, 0));
}

/** Records per second at a second. */
export function rateAt(profile: readonly LoadStep[], seconds: number): number {
  return profile.findLast(({ atSeconds }) => atSeconds <= seconds)?.perSecond ?? 0;
}
