import type { Caller } from './caller.ts';

/** Kinds of daemons, as callers of each other. */
export const serviceKinds = ['metadata', 'scheduler', 'query', 'storage', 'host'] as const;
export type ServiceKind = (typeof serviceKinds)[number];

/** Who makes a call: somebody with roles, or a daemon, which may do what its kinds need and nothing else. */
export type Identity =
  | { readonly kind: 'user'; readonly caller: Caller }
  | {
      readonly kind: 'service';
      /** Whose token or certificate it is, for the audit log. */
      readonly name: string;
      /** Several where daemons of one machine share a certificate. */
      readonly services: readonly ServiceKind[];
    };
