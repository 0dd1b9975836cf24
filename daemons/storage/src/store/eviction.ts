/** A layout in memory, or one that wants to be. */
export interface Resident {
  readonly key: string;
  readonly bytes: number;
  /** Time that it saves, in microseconds, over its recent scans. */
  readonly benefit: number;
  readonly pinned: boolean;
}

/** How much more benefit per byte a newcomer must have, so that two of equal worth do not displace each other for ever. */
const clearlyBetter = 1.5;

/**
 * Which layouts make room for a newcomer: those with the least benefit per byte, and only ones with clearly less
 * than the newcomer has. A pinned newcomer may displace any that is not pinned. `undefined`: it stays out.
 */
export function chooseEvictions(
  residents: readonly Resident[],
  newcomer: Resident,
  budgetBytes: number,
): readonly string[] | undefined {
  const others = residents.filter(({ key }) => key !== newcomer.key);
  let excess = others.reduce((sum, { bytes }) => sum + bytes, newcomer.bytes) - budgetBytes;
  const victims: string[] = [];
  const candidates = others
    .filter(
      (other) =>
        !other.pinned && (newcomer.pinned || density(other) * clearlyBetter < density(newcomer)),
    )
    .sort((a, b) => density(a) - density(b) || (a.key < b.key ? -1 : 1));
  for (const { key, bytes } of candidates) {
    if (excess <= 0) break;
    victims.push(key);
    excess -= bytes;
  }
  return excess <= 0 ? victims : undefined;
}

function density({ benefit, bytes }: Resident): number {
  return benefit / Math.max(1, bytes);
}

/** Scans of a layout, each worth half as much after `halfLifeMicros`. */
export class HitMeter {
  #hits = 0;
  #recent = 0;
  #lastHit: bigint | undefined;

  get hitCount(): number {
    return this.#hits;
  }

  get lastHit(): bigint | undefined {
    return this.#lastHit;
  }

  hit(now: bigint): void {
    this.#recent = this.recent(now) + 1;
    this.#hits++;
    this.#lastHit = now;
  }

  recent(now: bigint): number {
    if (this.#lastHit === undefined) return 0;
    return this.#recent * 0.5 ** (Number(now - this.#lastHit) / halfLifeMicros);
  }
}

const halfLifeMicros = 600_000_000;

/** What one scan of `rowCount` rows saves in memory compared with Parquet, in microseconds; measured, see the ADR. */
export function savedMicros(rowCount: number): number {
  return 2_000 + rowCount * 0.02;
}
