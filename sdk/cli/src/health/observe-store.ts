import { systemClock } from '@tessera/base';
import type { TesseraClient } from '@tessera/client';
import type { metadata } from '@tessera/proto';
import { aheadOfUs } from './observe-clocks.ts';

/** What metadata says of its store, and how far its clock is ahead of ours. */
export interface StoreReport {
  readonly status: metadata.GetStoreStatusResponse;
  readonly aheadMs: number | undefined;
}

/** @throws PERMISSION_DENIED unless the caller operates */
export async function observeStore({
  maintenance,
}: Pick<TesseraClient, 'maintenance'>): Promise<StoreReport> {
  const asked = maintenance.getStoreStatus({});
  const { answer, aheadMs } = await aheadOfUs(asked, ({ currentTime }) => currentTime, systemClock);
  return { status: answer, aheadMs };
}
