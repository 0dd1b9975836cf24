/** One wave of load lasts so long, seconds. */
export const waveSeconds = 180;
/** Before its rise, and again after its fall, the load rests for so long. */
const restSeconds = 30;
const stepSeconds = 5;
const least = 300;
const most = 3_600;

/** Records per second that come at a second of the load: it rises and falls like waves, in steps, and rests between them. Nothing comes before it begins. */
export function loadAt(second: number): number {
  if (second < 0) return 0;
  const at = (Math.floor(second / stepSeconds) * stepSeconds) % waveSeconds;
  const risen = (at - restSeconds) / (waveSeconds - 2 * restSeconds);
  if (risen < 0 || risen > 1) return least;
  const height = (1 - Math.cos(2 * Math.PI * risen)) / 2;
  return Math.round(least + (most - least) * height);
}

/** The load as the job is told it: `second:recordsPerSecond,…`. */
export function waves(seconds: number): string {
  const steps = Array.from({ length: Math.ceil(seconds / stepSeconds) + 1 }, (_, i) => {
    const at = i * stepSeconds;
    return `${at}:${loadAt(at)}`;
  });
  return steps.join();
}
