import type { Identity } from '@tessera/access';
import {
  type Clock,
  isResourceId,
  isTesseraError,
  systemClock,
  type TesseraError,
} from '@tessera/base';
import type { CallContext, ServerMiddlewareCall } from 'nice-grpc-common';
import type { AccessContext } from './access-context.ts';
import type { AuditLog, AuditRecord } from './audit-log.ts';
import { tokenMissing } from './errors.ts';
import { ruleOf } from './method-rules.ts';
import { namedProjects } from './named-projects.ts';
import type { PeerServices } from './peer-services.ts';
import { refusalOf } from './refusal-of.ts';
import { whileAllowed } from './while-allowed.ts';

/** Controls access to a server: who a token belongs to, and where calls are recorded. */
export interface AccessControl {
  /** @throws UNAUTHENTICATED */
  identityOf(token: string): Promise<Identity>;
  readonly audit: AuditLog;
  readonly clock?: Clock;
  /** How often it is looked whether a call that goes on may still do so, milliseconds. */
  readonly recheckMs?: number;
}

const defaultRecheckMs = 5_000;

/** Who makes a call, and why not. */
interface Examined {
  readonly identity?: Identity | undefined;
  readonly refusal?: TesseraError | undefined;
}

/**
 * Lets a call through to its handler, with its caller, when that one may make it, and ends it once he may not any more.
 * Calls of users are recorded, but for health checks; of those of daemons, which they make by the thousand, the refused ones.
 */
export function gate(control: AccessControl, peers: PeerServices) {
  const { audit, clock = systemClock, recheckMs = defaultRecheckMs } = control;
  return async function* <Request, Response>(
    call: ServerMiddlewareCall<Request, Response, AccessContext>,
    context: CallContext,
  ): AsyncGenerator<Response, Response | void, undefined> {
    const { path } = call.method;
    const rule = ruleOf(path);
    const isPublic = rule?.users === 'public';
    const request: unknown = call.requestStream ? undefined : call.request;
    const examine = async (): Promise<Examined> => {
      try {
        const identity = isPublic ? undefined : await identify(context, peers, control);
        return { identity, refusal: refusalOf(rule, identity, request, path) };
      } catch (error) {
        if (!isTesseraError(error)) throw error;
        return { refusal: error };
      }
    };
    const { identity, refusal } = await examine();
    if (!path.startsWith('/grpc.health.') && (refusal !== undefined || !isDaemon(identity))) {
      audit.record(recordOf(path, request, identity, refusal?.reason ?? 'ALLOWED'));
    }
    if (refusal !== undefined) throw refusal;
    if (identity === undefined) return yield* call.next(call.request, context);
    const caller = identity.kind === 'user' ? { caller: identity.caller } : {};
    return yield* whileAllowed(
      (signal) => call.next(call.request, { ...context, ...caller, signal }),
      {
        refusal: async () => (await examine()).refusal,
        onRefused: ({ reason }) => audit.record(recordOf(path, request, identity, reason)),
        ...{ clock, everyMs: recheckMs, signal: context.signal },
      },
    );
  };
}

async function identify(context: CallContext, peers: PeerServices, control: AccessControl) {
  return peers.of(context) ?? (await control.identityOf(bearerToken(context)));
}

function bearerToken({ metadata }: CallContext): string {
  const found = /^Bearer (\S+)$/i.exec(metadata.get('authorization') ?? '');
  if (found === null) throw tokenMissing();
  return found[1]!;
}

function isDaemon(identity: Identity | undefined): boolean {
  return identity?.kind === 'service';
}

function recordOf(
  method: string,
  request: unknown,
  identity: Identity | undefined,
  outcome: string,
): AuditRecord {
  const name = identity?.kind === 'service' ? identity.name : identity?.caller.user;
  const user = name ?? loginName(request);
  return { user, method, projects: namedProjects(request), sql: sqlOf(request), outcome };
}

/** The name that somebody signs in with; one that nobody can have, such as a password in the wrong field, is not kept. */
function loginName(request: unknown): string {
  const user = (request as { readonly user?: unknown } | undefined)?.user;
  return typeof user === 'string' && isResourceId(user) ? user : '';
}

function sqlOf(request: unknown): string | undefined {
  const sql = (request as { readonly sql?: unknown } | undefined)?.sql;
  return typeof sql === 'string' ? sql : undefined;
}
