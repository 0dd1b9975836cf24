import v8 from 'node:v8';

/** Of what lives in it, how much V8 may add to the heap before it collects, percent; by itself it adds up to 300. */
const growthPercent = 30;
let holders = 0;

/**
 * Until it is disposed the heap of this process grows little beyond what lives in it, at the price of collecting more often: for
 * long work in the background that makes much garbage, and would leave a daemon with several times the memory that it needs.
 */
export function smallHeap(): Disposable {
  if (holders++ === 0) v8.setFlagsFromString(`--heap-growing-percent=${growthPercent}`);
  return {
    [Symbol.dispose]: () => {
      if (--holders === 0) v8.setFlagsFromString('--heap-growing-percent=0');
    },
  };
}
