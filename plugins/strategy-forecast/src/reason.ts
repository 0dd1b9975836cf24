import { type ScalingReason, slotsText } from '@tessera/scaling';
import type { WeighedSize } from './choose.ts';

/** What tells of a size that was weighed. */
interface Weighed extends Pick<WeighedSize, 'cost'> {
  readonly size: Pick<WeighedSize['size'], 'slots'>;
}

/** Why one size was taken, or why the job stays as it is: what it costs, and what the other one would. */
export function reasonOf(chosen: Weighed, stay: Weighed): ScalingReason {
  if (chosen === stay) return { code: 'CHEAPEST', message: 'No other size is worth the change.' };
  const taken = `${slotsText(chosen.size.slots)} would cost ${hours(chosen)}`;
  const left = `staying as it is, with ${stay.size.slots}, ${hours(stay)}`;
  const costs = `Looking ahead, ${taken}, waiting and the change counted in; ${left}.`;
  return chosen.size.slots < stay.size.slots
    ? { code: 'SLOTS_SAVED', message: `Fewer slots are enough. ${costs}` }
    : { code: 'LAG_AVERTED', message: `Records would wait too long as it is. ${costs}` };
}

const hours = ({ cost }: Weighed): string => `${cost.toFixed(1)} slot-hours`;
