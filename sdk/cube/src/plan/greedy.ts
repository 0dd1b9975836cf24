import { MaxHeap } from './max-heap.ts';
import {
  assign,
  bytesOf,
  type Chosen,
  gainOf,
  type SelectionCandidate,
  type SelectionInstance,
} from './selection-instance.ts';

/**
 * Adds candidates to `start` while they fit and save anything, first always the one with the most saved / bytes ** rule: 1
 * for each byte, 0 whatever it takes. Lazy (CELF): what a candidate saves only
 * shrinks as others are kept, so one whose old figure is not the best need not be looked at again.
 * Each rule alone may fail badly under a budget; the better of 0 and 1 is at least (1 − 1/e)/2 of what can be saved.
 */
export function greedy(
  instance: SelectionInstance,
  start: Chosen,
  rule: number,
  banned = -1,
): number[] {
  const { candidates, budgetBytes } = instance;
  const { first } = assign(instance, start);
  const chosen = new Set(start);
  let bytesLeft = budgetBytes - bytesOf(instance, start);
  const heap = new MaxHeap(candidates.length);
  candidates.forEach((candidate, position) => {
    if (chosen.has(position) || position === banned || candidate.bytes > bytesLeft) return;
    const gain = gainOf(candidate, first);
    if (gain > 0) heap.push(keyOf(candidate, gain, rule), position);
  });
  for (let position = heap.pop(); position !== undefined; position = heap.pop()) {
    const candidate = candidates[position]!;
    if (candidate.bytes > bytesLeft) continue;
    const gain = gainOf(candidate, first);
    if (gain <= 0) continue;
    const key = keyOf(candidate, gain, rule);
    if (key < heap.topKey) {
      heap.push(key, position);
      continue;
    }
    chosen.add(position);
    bytesLeft -= candidate.bytes;
    lower(first, candidate);
  }
  return [...chosen].sort((a, b) => a - b);
}

function keyOf({ bytes }: SelectionCandidate, gain: number, rule: number): number {
  return gain / Math.max(1, bytes) ** rule;
}

function lower(first: Float64Array, { queries, costs }: SelectionCandidate): void {
  for (let i = 0; i < queries.length; i++) {
    const query = queries[i]!;
    if (costs[i]! < first[query]!) first[query] = costs[i]!;
  }
}
