/** tessera.access.v1: users, groups, roles, policies, and who a caller is. */

export * from './gen/tessera/access/v1/authentication_service.ts';
export * from './gen/tessera/access/v1/group_service.ts';
export * from './gen/tessera/access/v1/policy_service.ts';
export * from './gen/tessera/access/v1/role_service.ts';
export type { ServerStreamingMethodResult } from './gen/tessera/access/v1/user_service.ts';
export * from './gen/tessera/access/v1/user_service.ts';
