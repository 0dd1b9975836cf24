import { isTesseraError, systemClock } from '@tessera/base';
import type { TesseraClient } from '@tessera/client';
import type { metadata } from '@tessera/proto';
import { aheadOfUs } from './observe-clocks.ts';

/** What metadata says of its store, and how far its clock is ahead of ours. */
export interface StoreReport {
  readonly status: metadata.GetStoreStatusResponse;
  readonly aheadMs: number | undefined;
}

/** `undefined`: it is told to operators only, and the caller is none. */
export async function observeStore({
  maintenance,
}: Pick<TesseraClient, 'maintenance'>): Promise<StoreReport | undefined> {
  try {
    const asked = maintenance.getStoreStatus({});
    const { answer, aheadMs } = await aheadOfUs(
      asked,
      ({ currentTime }) => currentTime,
      systemClock,
    );
    return { status: answer, aheadMs };
  } catch (error) {
    if (isTesseraError(error, 'PERMISSION_DENIED')) return undefined;
    throw error;
  }
}
