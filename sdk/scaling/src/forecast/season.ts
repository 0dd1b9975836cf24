/** Fewest steps of a season, and how much like itself a series must be to have one. */
const shortest = 4;
const likeness = 0.5;
/** How much of a series is looked at, so that the work is bounded. */
const longest = 2_304;

/**
 * Steps after which a series repeats itself, or `undefined`: the lag at which it is most like itself, after it has
 * been unlike itself in between. Two periods must have been seen, one and a half where it is very clear.
 */
export function seasonOf(values: readonly number[]): number | undefined {
  const recent = values.slice(-longest);
  const count = recent.length;
  const mean = recent.reduce((sum, each) => sum + each, 0) / count;
  const centred = Float64Array.from(recent, (value) => value - mean);
  const variance = centred.reduce((sum, each) => sum + each * each, 0) / count;
  if (count < 3 * shortest || variance <= 1e-4 * mean * mean) return undefined;
  let best: { lag: number; correlation: number } | undefined;
  let wasUnlike = false;
  for (let lag = 1; lag <= Math.floor(count / 1.5); lag++) {
    const correlation = correlationAt(centred, lag);
    if (correlation < 0.3) wasUnlike = true;
    if (!wasUnlike || lag < shortest || correlation < likeness) continue;
    // Of lags that are about as good the shortest counts: multiples of a season are seasons too.
    if (best === undefined || correlation > best.correlation + 0.05) best = { lag, correlation };
    else if (lag < best.lag * 1.2 && correlation > best.correlation) best = { lag, correlation };
  }
  return best?.lag;
}

function correlationAt(centred: Float64Array, lag: number): number {
  let products = 0;
  let early = 0;
  let late = 0;
  for (let i = lag; i < centred.length; i++) {
    const now = centred[i]!;
    const before = centred[i - lag]!;
    products += now * before;
    early += before * before;
    late += now * now;
  }
  return products / Math.sqrt(early * late + 1e-12);
}
