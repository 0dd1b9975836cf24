import type { DataType, TypeKind } from '@tessera/columnar';
import { categoryOf, implicitlyCasts, isPreferred } from './types.ts';

export interface Signature {
  readonly args: readonly TypeKind[];
  readonly result: TypeKind;
}

/**
 * PostgreSQL's choice among overloads (its manual, section "Function Type Resolution"): the exact one; else of those
 * reachable by implicit casts the one with most exact matches, then with most preferred types; unknown literals
 * take the category that candidates share.
 */
export function resolveOverload(
  signatures: readonly Signature[],
  given: readonly DataType[],
): Signature | 'none' | 'ambiguous' {
  const kinds = given.map((t) => t.kind);
  const same = signatures.filter((s) => s.args.length === kinds.length);
  const exact = exactMatch(same, kinds);
  if (exact !== undefined) return exact;
  let candidates = same.filter((s) => s.args.every((to, i) => implicitlyCasts(kinds[i]!, to)));
  if (candidates.length === 0) return 'none';
  const isExact = (to: TypeKind, i: number) => to === kinds[i];
  candidates = keepBest(candidates, isExact);
  candidates = keepBest(
    candidates,
    (to, i) => isExact(to, i) || (isPreferred(to) && categoryOf(to) === categoryOf(kinds[i]!)),
  );
  if (candidates.length > 1) candidates = byUnknowns(candidates, kinds);
  if (candidates.length > 1) candidates = byKnownType(candidates, kinds);
  return candidates.length === 1 ? candidates[0]! : 'ambiguous';
}

/** Also: one known and one unknown operand are first taken to be of one type. */
function exactMatch(
  signatures: readonly Signature[],
  kinds: readonly TypeKind[],
): Signature | undefined {
  const known = kinds.filter((kind) => kind !== 'unknown');
  const assumed = kinds.length === 2 && known.length === 1 ? [known[0]!, known[0]!] : kinds;
  return signatures.find((s) => s.args.every((to, i) => to === assumed[i]));
}

function keepBest(
  candidates: readonly Signature[],
  matches: (to: TypeKind, position: number) => boolean,
): Signature[] {
  const scores = candidates.map((s) => s.args.filter(matches).length);
  const best = Math.max(...scores);
  return candidates.filter((_, i) => scores[i] === best);
}

function byUnknowns(candidates: readonly Signature[], kinds: readonly TypeKind[]): Signature[] {
  let left = [...candidates];
  kinds.forEach((kind, i) => {
    if (kind !== 'unknown') return;
    const found = new Set(left.map((s) => categoryOf(s.args[i]!)));
    const category = found.has('string') ? 'string' : found.size === 1 ? [...found][0] : undefined;
    if (category === undefined) return;
    left = left.filter((s) => categoryOf(s.args[i]!) === category);
    const best = left.filter((s) => isPreferred(s.args[i]!));
    if (best.length > 0) left = best;
  });
  return left;
}

function byKnownType(candidates: readonly Signature[], kinds: readonly TypeKind[]): Signature[] {
  const known = new Set(kinds.filter((kind) => kind !== 'unknown'));
  if (known.size !== 1) return [...candidates];
  const [only] = known;
  return candidates.filter((s) => s.args.every((to) => to === only));
}
