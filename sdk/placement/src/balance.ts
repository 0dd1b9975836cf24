import type { Assignment } from './assignment.ts';

/** Passes over the hosts. Each move makes the fuller of two hosts less full, so they end by themselves. */
const maxPasses = 16;

/**
 * Moves segments between hosts that are further from even than `tolerance`: hosts that are too empty, as one that has just joined,
 * take what is nearest to them from the fullest ones, then those still too full give to the emptier ones. Both stop at
 * the even share. Hosts within the tolerance neither take nor give among themselves.
 */
export function balance(assignment: Assignment, tolerance: number): void {
  for (let pass = 0; pass < maxPasses; pass++) {
    const taken = takeUp(assignment, tolerance);
    const given = giveAway(assignment, tolerance);
    if (taken + given === 0) return;
  }
}

function takeUp(assignment: Assignment, tolerance: number): number {
  const takers = hostsByFullness(assignment).filter(
    (host) => assignment.fullness(host) < 1 - tolerance,
  );
  if (takers.length === 0) return 0;
  const held = segmentsByHost(assignment);
  let moved = 0;
  for (const taker of takers) {
    for (const giver of hostsByFullness(assignment).reverse()) {
      if (assignment.fullness(giver) <= 1 || assignment.fullness(taker) >= 1) break;
      const near = sortedBy(held[giver]!, (segment) => assignment.distance(segment, taker));
      moved += handOver(assignment, near, giver, () => taker);
    }
  }
  return moved;
}

function giveAway(assignment: Assignment, tolerance: number): number {
  const givers = hostsByFullness(assignment).filter(
    (host) => assignment.fullness(host) > 1 + tolerance,
  );
  if (givers.length === 0) return 0;
  const held = segmentsByHost(assignment);
  let moved = 0;
  for (const giver of givers.reverse()) {
    const far = sortedBy(held[giver]!, (segment) => -assignment.distance(segment, giver));
    moved += handOver(assignment, far, giver, (segment) => assignment.nearest(segment, 1, giver));
  }
  return moved;
}

/** Moves segments off the giver, in their order, until one of the two is even. */
function handOver(
  assignment: Assignment,
  segments: readonly number[],
  giver: number,
  takerOf: (segment: number) => number,
): number {
  let moved = 0;
  for (const segment of segments) {
    if (assignment.fullness(giver) <= 1) break;
    if (!assignment.holds(giver, segment)) continue;
    const taker = takerOf(segment);
    if (taker < 0 || assignment.fullness(taker) >= 1) continue;
    if (!improves(assignment, segment, giver, taker)) continue;
    assignment.move(segment, giver, taker);
    moved++;
  }
  return moved;
}

/** Whether the taker would stay less full than the giver is. */
function improves(assignment: Assignment, segment: number, giver: number, taker: number): boolean {
  const { loads, shares, segments } = assignment;
  const then = (loads[taker]! + segments.bytes[segment]!) / shares[taker]!;
  return then < assignment.fullness(giver) && assignment.mayHold(taker, segment, giver);
}

/** The emptiest first. */
function hostsByFullness(assignment: Assignment): number[] {
  return sortedBy([...assignment.loads.keys()], (host) => assignment.fullness(host));
}

function sortedBy(numbers: readonly number[], key: (number: number) => number): number[] {
  return numbers
    .map((number) => ({ number, key: key(number) }))
    .sort((a, b) => a.key - b.key || a.number - b.number)
    .map(({ number }) => number);
}

function segmentsByHost(assignment: Assignment): number[][] {
  const held: number[][] = Array.from(assignment.loads, () => []);
  for (let segment = 0; segment < assignment.segments.ids.length; segment++) {
    for (const host of assignment.hostsOf(segment)) held[host]!.push(segment);
  }
  return held;
}
