/** tessera.storage.v1: scan plans, and the bytes of cuboids. */
export * from './gen/tessera/storage/v1/scan_plan.ts';
export * from './gen/tessera/storage/v1/scan_work.ts';
export type { ServerStreamingMethodResult } from './gen/tessera/storage/v1/storage_service.ts';
export * from './gen/tessera/storage/v1/storage_service.ts';
export * from './gen/tessera/storage/v1/transfer_service.ts';
