/** Who may do and see what: rules, how they combine, and statements as one may see them. */
export { type Caller, callerKey } from './caller.ts';
export { type Identity, type ServiceKind, serviceKinds } from './identity.ts';
export { permits, permitsSome, permitsSource, rolesOf, type Target } from './permissions.ts';
export { type PolicyRules, policyFaults, unknownName } from './policy-faults.ts';
export { protect } from './protect.ts';
export {
  type AccessFunction,
  type AccessRules,
  accessFunctions,
  any,
  type ColumnRule,
  type Group,
  noRules,
  type Permission,
  type Policy,
  type Role,
  type User,
} from './rules.ts';
export {
  type ColumnAccess,
  isWhole,
  type RowPredicate,
  type TableAccess,
  type TableAddress,
  tableAccess,
} from './table-access.ts';
export { AccessView, type TableView, type Viewer } from './view.ts';
