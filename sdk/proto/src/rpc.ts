/** google.rpc: how errors travel. */
export * from './gen/google/rpc/error_details.ts';
export * from './gen/google/rpc/status.ts';
