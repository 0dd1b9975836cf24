/**
 * How much a vertex can do at any parallelism, from what it did at some. Three things are unknown: the rate of one
 * subtask, what subtasks cost each other (Gunther's universal scalability law), and how much too idle tasks that are
 * not busy say they are, which shows at full load only. Each pair of the last two on a grid is weighed by how well
 * it explains what was seen, and by what is usual; their spread is how uncertain the curve is.
 */
export interface CapacityObservation {
  readonly parallelism: number;
  /** Of the parallelism, what does useful work: see `effectiveSubtasks`. */
  readonly effective: number;
  /** Records per second, and the busy share of the fullest subtask while it took them in. */
  readonly rate: number;
  readonly busy: number;
  /** Minutes that it was seen for. */
  readonly weight: number;
}

export interface CapacityCurve {
  /** Records per second at a parallelism: the expected value, and one that it is rarely below. */
  at(parallelism: number, effective: number): CapacityEstimate;
}

export interface CapacityEstimate {
  readonly expected: number;
  readonly cautious: number;
}

interface Candidate {
  readonly contention: number;
  readonly bias: number;
  readonly logRate: number;
  readonly weight: number;
}

const contentions = [0, 0.003, 0.006, 0.01, 0.014, 0.018, 0.023, 0.028, 0.034, 0.042, 0.052];
const biases = [0, 0.04, 0.08, 0.12, 0.16, 0.2, 0.25];
/** Cost of coherence; too small to be told from contention in what is seen. */
const coherence = 2e-5;
/** Relative error of a minute's observation, and of the model itself. */
const observationError = 0.05;
const modelError = 0.02;
/** Minutes of one row beyond which more of the same tell nothing new. */
const enoughMinutes = 4;
/** Standard deviations that a cautious estimate stays below the expected one. */
const caution = 1;
/** Evidence, in minutes at full load, at which a correction is half of what was seen. */
const halfBelieved = 1;

export function fitCapacity(rows: readonly CapacityObservation[]): CapacityCurve | undefined {
  const usable = rows.filter(({ rate, busy, weight }) => rate > 0 && busy > 0 && weight > 0);
  if (usable.length === 0) return undefined;
  const candidates = weighed(usable);
  const corrections = correctionsOf(usable, candidates);
  return {
    at(parallelism, effective) {
      const correction = corrections.get(parallelism) ?? 0;
      let mean = 0;
      let square = 0;
      // Candidates of one contention stand side by side.
      let of = Number.NaN;
      let gain = 0;
      for (const { contention, logRate, weight } of candidates) {
        if (contention !== of) gain = Math.log(effective / slowdown(parallelism, contention));
        of = contention;
        const log = logRate + gain;
        mean += weight * log;
        square += weight * log * log;
      }
      const deviation = Math.sqrt(Math.max(0, square - mean * mean) + modelError ** 2);
      const log = mean + correction;
      return { expected: Math.exp(log), cautious: Math.exp(log - caution * deviation) };
    },
  };
}

/**
 * What a parallelism that was seen does beside the curve: hosts that are fuller or faster at that size. Little
 * evidence is believed in part.
 */
function correctionsOf(
  rows: readonly CapacityObservation[],
  candidates: readonly Candidate[],
): ReadonlyMap<number, number> {
  const sums = new Map<number, { residual: number; certain: number }>();
  for (const { parallelism, effective, rate, busy, weight } of rows) {
    let expected = 0;
    let bias = 0;
    for (const each of candidates) {
      expected += each.weight * (each.logRate - Math.log(slowdown(parallelism, each.contention)));
      bias += each.weight * each.bias;
    }
    const residual = Math.log(rate / usedShare(busy, bias) / effective) - expected;
    const sum = sums.get(parallelism) ?? { residual: 0, certain: 0 };
    const certain = Math.min(weight, enoughMinutes) * busy ** 4;
    sums.set(parallelism, {
      residual: sum.residual + certain * residual,
      certain: sum.certain + certain,
    });
  }
  const entries = [...sums].map(([parallelism, { residual, certain }]) => {
    return [parallelism, residual / (certain + halfBelieved)] as const;
  });
  return new Map(entries);
}

function weighed(rows: readonly CapacityObservation[]): readonly Candidate[] {
  const candidates: (Omit<Candidate, 'weight'> & { logWeight: number })[] = [];
  for (const contention of contentions) {
    for (const bias of biases) {
      const { logRate, misfit } = explain(rows, contention, bias);
      const unusual = ((contention - 0.016) / 0.012) ** 2 + ((bias - 0.1) / 0.07) ** 2;
      candidates.push({ contention, bias, logRate, logWeight: -0.5 * (misfit + unusual) });
    }
  }
  const best = Math.max(...candidates.map(({ logWeight }) => logWeight));
  const likely = candidates.filter(({ logWeight }) => logWeight > best - 9);
  const sum = likely.reduce((total, { logWeight }) => total + Math.exp(logWeight - best), 0);
  return likely.map(({ contention, bias, logRate, logWeight }) => ({
    contention,
    bias,
    logRate,
    weight: Math.exp(logWeight - best) / sum,
  }));
}

/** The rate of one subtask that fits best, and how badly even that one fits. */
function explain(
  rows: readonly CapacityObservation[],
  contention: number,
  bias: number,
): { readonly logRate: number; readonly misfit: number } {
  let weights = 0;
  let sum = 0;
  let squares = 0;
  for (const { parallelism, effective, rate, busy, weight } of rows) {
    const capacity = rate / usedShare(busy, bias);
    const log = Math.log((capacity * slowdown(parallelism, contention)) / effective);
    // What is seen near full load says most about full load.
    const certain = Math.min(weight, enoughMinutes) * busy * busy;
    weights += certain;
    sum += certain * log;
    squares += certain * log * log;
  }
  const logRate = sum / weights;
  return { logRate, misfit: Math.max(0, squares - sum * logRate) / observationError ** 2 };
}

/** What of its capacity a task uses that says to be busy for such a share: `busy = used (1 - bias (1 - used))`. */
function usedShare(busy: number, bias: number): number {
  const said = Math.min(1, busy);
  if (bias === 0) return said;
  const linear = 1 - bias;
  return (Math.sqrt(linear * linear + 4 * bias * said) - linear) / (2 * bias);
}

const slowdown = (parallelism: number, contention: number): number =>
  1 + contention * (parallelism - 1) + coherence * parallelism * (parallelism - 1);
