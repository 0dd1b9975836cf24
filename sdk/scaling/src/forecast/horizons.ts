/** Steps ahead at which models are judged, each by itself: what is good for the next step need not be for the hour. */
export const horizons: readonly number[] = [1, 3, 6, 12];
/** Steps that a forecast reaches. */
export const forecastSteps = 24;

/** Index of the horizon by which the step is judged that so many steps ahead is. */
export function nearestHorizon(steps: number): number {
  const at = horizons.findIndex((horizon) => horizon >= steps);
  return at < 0 ? horizons.length - 1 : at;
}
