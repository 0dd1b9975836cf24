import type { Ages } from './ages.ts';
import type { Refusals } from './refusals.ts';
import type { KnownDetails } from './run-details.ts';

/** What one term remembers between looks; nothing is lost with it but time. */
export interface Memory {
  readonly ages: Ages;
  readonly details: KnownDetails;
  readonly refusals: Refusals;
}
