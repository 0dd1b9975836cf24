import {
  type Caller,
  type Identity,
  permits,
  permitsSome,
  type ServiceKind,
  type Target,
} from '@tessera/access';
import type { TesseraError } from '@tessera/base';
import { permissionDenied, servicesOnly, tokenMissing } from './errors.ts';
import type { MethodRule, UserRule } from './method-rules.ts';
import { namedProjects, projectOf } from './named-projects.ts';

/** Projects that a statement without one means. */
const defaultProject = 'default';

/** Why the call is refused. @param request absent for a stream of them */
export function refusalOf(
  rule: MethodRule | undefined,
  identity: Identity | undefined,
  request: unknown,
  method: string,
): TesseraError | undefined {
  if (rule === undefined) return permissionDenied('administer', method);
  if (rule.users === 'public') return undefined;
  if (identity === undefined) return tokenMissing();
  return identity.kind === 'service'
    ? refusalOfDaemon(rule.services, identity.services, method)
    : refusalOfUser(rule.users, identity.caller, request, method);
}

function refusalOfDaemon(
  allowed: readonly ServiceKind[],
  own: readonly ServiceKind[],
  method: string,
): TesseraError | undefined {
  return own.some((kind) => allowed.includes(kind)) ? undefined : servicesOnly(method);
}

function refusalOfUser(
  rule: Exclude<UserRule, 'public'>,
  { roles }: Caller,
  request: unknown,
  method: string,
): TesseraError | undefined {
  if (rule === 'none') return servicesOnly(method);
  if (rule === 'signed in') return undefined;
  const { needs, on } = rule;
  const projects = namedProjects(request);
  const may = (target: Target) => needs.some((one) => permits(roles, one, target));
  if (on === 'part') {
    const named = (request as { readonly project?: string } | undefined)?.project ?? '';
    const project = projectOf(named) ?? defaultProject;
    if (needs.some((one) => permitsSome(roles, one, project))) return undefined;
  } else if (on === 'platform' || projects.length === 0 || projects.includes('-')) {
    if (may({})) return undefined;
  } else if (projects.every((project) => may({ project }))) {
    return undefined;
  }
  return permissionDenied(needs.join(' or '), method);
}
