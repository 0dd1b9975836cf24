import { simulationSuite as judged } from '@tessera/flink-simulator';
import { over120, ratioToOracle, type SimulationResults, type TraceResult } from './results.ts';

/** Why a trace counts as lost by the strategy that is judged. */
export interface Loss {
  readonly code: 'RIVAL_BETTER' | 'LATER_THAN_BASELINE' | 'FAR_FROM_ORACLE';
  readonly words: string;
}

/**
 * A trace is lost when a rival needs fewer slot-hours without being late for longer, when the time over 120 s of
 * lag exceeds the baseline's, or when the slot-hours exceed what is asked of the trace's class.
 */
export function lossesOf(
  result: TraceResult,
  { strategies, baseline }: Pick<SimulationResults, 'strategies' | 'baseline'>,
): readonly Loss[] {
  const [ours, ...rivals] = strategies;
  if (ours === undefined) return [];
  const ratio = judged.mean(ratioToOracle(result, ours));
  const late = over120(result, ours);
  const losses = rivals.flatMap((rival): Loss[] => {
    const theirs = judged.mean(ratioToOracle(result, rival));
    if (theirs >= ratio || over120(result, rival) > late) return [];
    const words = `${rival} needs ${times(theirs)} the oracle's slot-hours, ${ours} ${times(ratio)}, and is late no longer`;
    return [{ code: 'RIVAL_BETTER', words }];
  });
  const allowed = baseline === undefined ? Number.POSITIVE_INFINITY : over120(result, baseline);
  if (late > allowed) {
    const words = `over 120 s of lag for ${percent(late)} of the time, ${baseline} for ${percent(allowed)}`;
    losses.push({ code: 'LATER_THAN_BASELINE', words });
  }
  const reach = judged.oracleReach[result.class];
  if (ratio > reach) {
    const words = `${times(ratio)} the oracle's slot-hours, where at most ${times(reach)} is asked`;
    losses.push({ code: 'FAR_FROM_ORACLE', words });
  }
  return losses;
}

export interface JudgedTrace {
  readonly result: TraceResult;
  readonly losses: readonly Loss[];
}

/** All traces, those that are lost first, and of each kind the costliest first. */
export function judgedTraces(results: SimulationResults): readonly JudgedTrace[] {
  const ours = results.strategies[0];
  const cost = ({ result }: JudgedTrace) =>
    ours === undefined ? 0 : judged.mean(ratioToOracle(result, ours));
  return results.traces
    .map((result) => ({ result, losses: lossesOf(result, results) }))
    .sort((a, b) => Number(b.losses.length > 0) - Number(a.losses.length > 0) || cost(b) - cost(a));
}

const times = (ratio: number) => `${ratio.toFixed(2)} times`;
const percent = (share: number) => `${share.toFixed(2)} %`;
