/**
 * The rules of access. A user has roles, by himself and through his groups. A role permits functions on parts of the
 * catalog; a policy narrows what one role sees of one table. What no role permits is denied.
 */
export const accessFunctions = ['query', 'model', 'build', 'operate', 'administer'] as const;
export type AccessFunction = (typeof accessFunctions)[number];

/** Stands for any project, source or table. */
export const any = '*';

export interface Permission {
  readonly functions: readonly AccessFunction[];
  /** Ids, or `any`. */
  readonly project: string;
  readonly source: string;
  readonly table: string;
}

export interface Role {
  readonly name: string;
  readonly permissions: readonly Permission[];
}

export interface Group {
  readonly name: string;
  readonly roles: readonly string[];
}

export interface User {
  readonly name: string;
  readonly roles: readonly string[];
  readonly groups: readonly string[];
}

/** What a column is to one role: there, there with another value, or not there. */
export type ColumnRule =
  | { readonly kind: 'visible' }
  | {
      readonly kind: 'masked';
      /** SQL over the table's columns, given in the column's type; absent: NULL. */
      readonly mask?: string;
    }
  | { readonly kind: 'hidden' };

/** What one role sees of one table. Several policies of a role on a table all hold. */
export interface Policy {
  readonly name: string;
  readonly role: string;
  readonly project: string;
  readonly source: string;
  readonly table: string;
  /** SQL over the table's columns: rows for which it is true are seen. Absent: all. */
  readonly rows?: string;
  readonly columns: Readonly<Record<string, ColumnRule>>;
}

export interface AccessRules {
  readonly users: readonly User[];
  readonly groups: readonly Group[];
  readonly roles: readonly Role[];
  readonly policies: readonly Policy[];
}

/** Nobody may do anything. */
export const noRules: AccessRules = { users: [], groups: [], roles: [], policies: [] };
