/** tessera.coordination.v1: leases and fencing. */
export * from './gen/tessera/coordination/v1/lease_service.ts';
