/** Users, groups, roles and policies as YAML. Passwords and tokens are never part of it. */
export type AccessResource = UserResource | GroupResource | RoleResource | PolicyResource;

export interface UserResource {
  readonly kind: 'User';
  readonly name: string;
  readonly spec: {
    readonly roles: readonly string[];
    readonly groups: readonly string[];
    readonly disabled: boolean;
    /** Not empty: a daemon of these kinds. */
    readonly services: readonly ServiceWord[];
  };
}

export interface GroupResource {
  readonly kind: 'Group';
  readonly name: string;
  readonly spec: { readonly roles: readonly string[] };
}

export interface RoleResource {
  readonly kind: 'Role';
  readonly name: string;
  readonly spec: {
    readonly permissions: readonly {
      readonly functions: readonly AccessFunctionWord[];
      readonly project: string;
      readonly source: string;
      readonly table: string;
    }[];
  };
}

export type AccessFunctionWord = 'query' | 'model' | 'build' | 'operate' | 'administer';

export interface PolicyResource {
  readonly kind: 'Policy';
  readonly name: string;
  readonly spec: {
    readonly role: string;
    readonly source: string;
    readonly table: string;
    readonly rows?: string;
    readonly columns: Readonly<Record<string, ColumnWord | { readonly mask: string }>>;
  };
}

export type ColumnWord = 'visible' | 'masked' | 'hidden';

export type ServiceWord = 'metadata' | 'scheduler' | 'query' | 'storage' | 'host';
