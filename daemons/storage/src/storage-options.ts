import { numberArgument } from '@tessera/daemon';
import type { StorageConfigInput } from './config.ts';

/** Options of the daemon's command that are numbers, by the setting that they give. Intervals are given in seconds. */
const options = [
  { option: 'memory-budget-bytes', setting: 'memoryBudgetBytes', min: 0 },
  { option: 'capacity', setting: 'capacityBytes', min: 0 },
  { option: 'transfer-bytes-per-second', setting: 'transferBytesPerSecond', min: 1 },
  { option: 'scrub-bytes-per-second', setting: 'scrubBytesPerSecond', min: 0 },
  { option: 'scrub-interval', setting: 'scrubIntervalMs', min: 1, isSeconds: true },
  { option: 'deep-scrub-bytes-per-second', setting: 'deepScrubBytesPerSecond', min: 1 },
  { option: 'mend-interval', setting: 'mendIntervalMs', min: 1, isSeconds: true },
] as const;

export type NumberOption = (typeof options)[number]['option'];

/** Beyond it timers end at once. */
const maxSeconds = Math.floor((2 ** 31 - 1) / 1_000);

/** As `parseArgs` takes them. */
export const numberOptions = Object.fromEntries(
  options.map(({ option }) => [option, { type: 'string' }]),
) as { readonly [Option in NumberOption]: { readonly type: 'string' } };

/** @throws BAD_NUMBER_ARGUMENT. */
export function numberSettings(
  values: Readonly<Partial<Record<NumberOption, string | undefined>>>,
): Partial<StorageConfigInput> {
  const settings = options.flatMap((one) => {
    const isSeconds = 'isSeconds' in one;
    const max = isSeconds ? maxSeconds : Number.MAX_SAFE_INTEGER;
    const number = numberArgument(one.option, values[one.option], { min: one.min, max });
    return number === undefined ? [] : [[one.setting, isSeconds ? number * 1_000 : number]];
  });
  return Object.fromEntries(settings);
}
