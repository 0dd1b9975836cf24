import type { Clock } from '@tessera/base';
import { Ages } from './ages.ts';
import { Refusals } from './refusals.ts';
import { KnownDetails } from './run-details.ts';
import { UnderWay } from './under-way.ts';

/** What one term remembers between looks; nothing is lost with it but time. */
export interface Memory {
  readonly ages: Ages;
  readonly details: KnownDetails;
  readonly refusals: Refusals;
  readonly underWay: UnderWay;
}

export function newMemory(clock: Clock): Memory {
  const details = new KnownDetails(() => clock.monotonicMs());
  return { ages: new Ages(), details, refusals: new Refusals(), underWay: new UnderWay() };
}
