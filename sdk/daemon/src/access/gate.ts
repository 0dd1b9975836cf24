import { type Caller, permits, permitsSome } from '@tessera/access';
import { isTesseraError, type TesseraError } from '@tessera/base';
import type { CallContext, ServerMiddlewareCall } from 'nice-grpc-common';
import type { AccessContext } from './access-context.ts';
import type { AuditLog } from './audit-log.ts';
import { permissionDenied, tokenMissing } from './errors.ts';
import { type MethodRule, ruleOf } from './method-rules.ts';
import { namedProjects, projectOf } from './named-projects.ts';

/** Controls access to a server: who a token belongs to, and where calls are recorded. */
export interface AccessControl {
  /** @throws UNAUTHENTICATED */
  callerOf(token: string): Promise<Caller>;
  readonly audit: AuditLog;
}

/** Projects that a statement without one means. */
const defaultProject = 'default';

/** Lets a call through to its handler, with its caller, when that one may make it. Every call but health checks is recorded. */
export function gate({ callerOf, audit }: AccessControl) {
  return async function* <Request, Response>(
    call: ServerMiddlewareCall<Request, Response, AccessContext>,
    context: CallContext,
  ): AsyncGenerator<Response, Response | void, undefined> {
    const { path } = call.method;
    const rule = ruleOf(path);
    const request: unknown = call.requestStream ? undefined : call.request;
    let caller: Caller | undefined;
    let refusal: TesseraError | undefined;
    try {
      if (rule !== 'public') caller = await callerOf(bearerToken(context));
      refusal = refusalOf(rule, caller, request, path);
    } catch (error) {
      if (!isTesseraError(error)) throw error;
      refusal = error;
    }
    if (!path.startsWith('/grpc.health.')) {
      const user = caller?.user ?? loginName(request);
      const projects = namedProjects(request);
      audit.record({
        user,
        method: path,
        projects,
        sql: sqlOf(request),
        outcome: refusal?.reason ?? 'ALLOWED',
      });
    }
    if (refusal !== undefined) throw refusal;
    const known: AccessContext = caller === undefined ? context : { ...context, caller };
    return yield* call.next(call.request, known);
  };
}

/** Why the call is refused. @param request absent for a stream of them */
export function refusalOf(
  rule: MethodRule | undefined,
  caller: Caller | undefined,
  request: unknown,
  method: string,
): TesseraError | undefined {
  if (rule === undefined) return permissionDenied('administer', method);
  if (rule === 'public') return undefined;
  if (caller === undefined) return tokenMissing();
  if (rule === 'signed in') return undefined;
  const { needs, on } = rule;
  const projects = namedProjects(request);
  if (on === 'part') {
    const named = (request as { readonly project?: string } | undefined)?.project ?? '';
    const project = projectOf(named) ?? defaultProject;
    if (permitsSome(caller.roles, needs, project)) return undefined;
  } else if (on === 'platform' || projects.length === 0 || projects.includes('-')) {
    if (permits(caller.roles, needs, {})) return undefined;
  } else if (projects.every((project) => permits(caller.roles, needs, { project }))) {
    return undefined;
  }
  return permissionDenied(needs, method);
}

function bearerToken({ metadata }: CallContext): string {
  const found = /^Bearer (\S+)$/i.exec(metadata.get('authorization') ?? '');
  if (found === null) throw tokenMissing();
  return found[1]!;
}

/** The name that somebody signs in with. */
function loginName(request: unknown): string {
  const user = (request as { readonly user?: unknown } | undefined)?.user;
  return typeof user === 'string' ? user : '';
}

function sqlOf(request: unknown): string | undefined {
  const sql = (request as { readonly sql?: unknown } | undefined)?.sql;
  return typeof sql === 'string' ? sql : undefined;
}
