import { invariant } from '@tessera/base';
import type { SelectionCandidate, SelectionInstance } from '@tessera/cube';
import highs from 'highs';

// The package is an ES module whose types say that it is not one.
const loadSolver = highs as unknown as typeof highs.default;

/**
 * The least objective that any choice within the budget has, by integer programming (HiGHS). For every query, its
 * candidates are ordered by cost: z of a level is 1 when nothing of this level or a cheaper one is kept, and pays
 * the step to the next level. A candidate that another one beats at everything cannot be needed and is left out,
 * which leaves the optimum as it is.
 */
export async function exactOptimum(instance: SelectionInstance): Promise<number> {
  const program = programOf(instance, undominated(instance));
  if (program === undefined) return total(instance.sourceCosts);
  const solver = await loadSolver();
  const solution = solver.solve(program.text, { mip_rel_gap: 1e-6 });
  invariant(solution.Status === 'Optimal', `the solver ends with an optimum: ${solution.Status}`);
  return (solution.ObjectiveValue + program.constant) / program.scale;
}

/** The least objective by trying every choice: for few candidates, to check the above. */
export function optimumByExhaustion({
  candidates,
  sourceCosts,
  budgetBytes,
}: SelectionInstance): number {
  const visit = (next: number, bytesLeft: number, costs: Float64Array, upkeep: number): number => {
    const candidate = candidates[next];
    if (candidate === undefined) return upkeep + total(costs);
    const without = visit(next + 1, bytesLeft, costs, upkeep);
    if (candidate.bytes > bytesLeft) return without;
    const lowered = costs.slice();
    candidate.queries.forEach((query, i) => {
      lowered[query] = Math.min(lowered[query]!, candidate.costs[i]!);
    });
    const left = bytesLeft - candidate.bytes;
    return Math.min(without, visit(next + 1, left, lowered, upkeep + candidate.upkeep));
  };
  return visit(0, budgetBytes, sourceCosts, 0);
}

interface Program {
  /** In CPLEX LP format. */
  readonly text: string;
  /** Scaled part of the objective that does not depend on the choice. */
  readonly constant: number;
  readonly scale: number;
}

interface Level {
  readonly cost: number;
  readonly members: number[];
}

/** Numbers are scaled to where the solver's tolerances mean something. */
const scaledTotal = 10_000;
const scaledBudget = 1_000;

function programOf(instance: SelectionInstance, kept: readonly number[]): Program | undefined {
  const { candidates, sourceCosts, budgetBytes } = instance;
  if (kept.length === 0) return undefined;
  const scale = scaledTotal / total(sourceCosts);
  const objective = kept.map((i) => term(candidates[i]!.upkeep * scale, `y${i}`));
  const constraints: string[] = [];
  let constant = 0;
  levelsByQuery(instance, kept).forEach((levels, query) => {
    constant += (levels[0]?.cost ?? sourceCosts[query]!) * scale;
    levels.forEach(({ cost, members }, k) => {
      const above = levels[k + 1]?.cost ?? sourceCosts[query]!;
      objective.push(term((above - cost) * scale, `z${query}_${k}`));
      const kept = members.map((i) => `y${i}`).join('\n + ');
      const rest = k === 0 ? '>= 1' : `- z${query}_${k - 1} >= 0`;
      constraints.push(`z${query}_${k} + ${kept} ${rest}`);
    });
  });
  const bytes = kept.map((i) => term((candidates[i]!.bytes / budgetBytes) * scaledBudget, `y${i}`));
  constraints.push(`${bytes.join('\n + ')} <= ${scaledBudget}`);
  const binary = kept.map((i) => `y${i}`).join('\n');
  const text = `Minimize\n${objective.join('\n + ')}\nSubject To\n${constraints.join('\n')}\nBinary\n${binary}\nEnd\n`;
  return { text, constant, scale };
}

function term(coefficient: number, variable: string): string {
  return `${coefficient.toPrecision(15)} ${variable}`;
}

/** By query: the costs that candidates have for it, ascending, with who has them. */
function levelsByQuery(
  { candidates, sourceCosts }: SelectionInstance,
  kept: readonly number[],
): Level[][] {
  const costs: { cost: number; member: number }[][] = Array.from(sourceCosts, () => []);
  for (const member of kept) {
    const candidate = candidates[member]!;
    candidate.queries.forEach((query, i) => {
      costs[query]!.push({ cost: candidate.costs[i]!, member });
    });
  }
  return costs.map((list) => {
    const levels: Level[] = [];
    for (const { cost, member } of list.sort((a, b) => a.cost - b.cost)) {
      if (levels.at(-1)?.cost === cost) levels.at(-1)!.members.push(member);
      else levels.push({ cost, members: [member] });
    }
    return levels;
  });
}

/** Without those that do not fit, save nothing, or are beaten in bytes, upkeep and every query by another one. */
function undominated(instance: SelectionInstance): number[] {
  const { candidates, sourceCosts, budgetBytes } = instance;
  const order = [...candidates.keys()].filter((i) => {
    const candidate = candidates[i]!;
    return candidate.bytes <= budgetBytes && savedAlone(candidate, sourceCosts) > 0;
  });
  order.sort((a, b) => {
    const [one, other] = [candidates[a]!, candidates[b]!];
    return one.bytes - other.bytes || one.upkeep - other.upkeep || a - b;
  });
  const kept: { readonly position: number; readonly costs: Float64Array }[] = [];
  for (const position of order) {
    const { upkeep, queries, costs } = candidates[position]!;
    const beaten = kept.some(
      (other) =>
        candidates[other.position]!.upkeep <= upkeep &&
        queries.every((query, i) => other.costs[query]! <= costs[i]!),
    );
    if (!beaten) kept.push({ position, costs: costsOf(candidates[position]!, sourceCosts) });
  }
  return kept.map(({ position }) => position);
}

function savedAlone(candidate: SelectionCandidate, sourceCosts: Float64Array): number {
  return total(sourceCosts) - total(costsOf(candidate, sourceCosts)) - candidate.upkeep;
}

function costsOf({ queries, costs }: SelectionCandidate, sourceCosts: Float64Array): Float64Array {
  const all = sourceCosts.slice();
  queries.forEach((query, i) => {
    all[query] = costs[i]!;
  });
  return all;
}

function total(numbers: Float64Array): number {
  return numbers.reduce((sum, number) => sum + number, 0);
}
