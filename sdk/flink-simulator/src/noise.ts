import { type Random, seededRandom } from '@tessera/base';

/** Standard normal numbers, two from each pair of uniform ones (Box and Muller). */
export function gaussian(random: Random): () => number {
  let spare: number | undefined;
  return () => {
    if (spare !== undefined) {
      const value = spare;
      spare = undefined;
      return value;
    }
    const radius = Math.sqrt(-2 * Math.log(1 - random.next()));
    const angle = 2 * Math.PI * random.next();
    spare = radius * Math.sin(angle);
    return radius * Math.cos(angle);
  };
}

/** Noise that forgets itself with a time constant, of standard deviation `sd` (AR(1)). */
export function wandering(random: Random, sd: number, constantTicks: number): () => number {
  const next = gaussian(random);
  const keep = Math.exp(-1 / constantTicks);
  const fresh = sd * Math.sqrt(1 - keep * keep);
  let value = sd * next();
  return () => {
    const now = value;
    value = keep * value + fresh * next();
    return now;
  };
}

/** One seed for each purpose, so that drawing more for one changes nothing in another. */
export function randomFor(seed: number, purpose: string): Random {
  let hash = 0x811c9dc5 ^ seed;
  for (let i = 0; i < purpose.length; i++) {
    hash = Math.imul(hash ^ purpose.charCodeAt(i), 0x01000193);
  }
  const random = seededRandom(hash ^ Math.imul(seed, 0x9e3779b1));
  random.next();
  return random;
}
