import { createHash } from 'node:crypto';
import type { Identity, Policy, Role } from '@tessera/access';
import { type Clock, Code, isTesseraError, LruCache } from '@tessera/base';
import type { TesseraClient } from '@tessera/client';
import type { access } from '@tessera/proto';
import { withDeadline } from '../deadline.ts';
import { policyFromProto, roleFromProto, servicesFromProto } from './rules-from-proto.ts';

/** How long metadata may take to tell whose token it is. */
const resolveTimeoutMs = 2_000;
/** While metadata is away, whoever was known this long ago or less still is. */
const graceMs = 10_000;
/** Tokens that are remembered for that. */
const maxRemembered = 10_000;

interface KnownRules {
  readonly revision: bigint;
  readonly roles: ReadonlyMap<string, Role>;
  readonly policies: readonly Policy[];
}

const noRules: KnownRules = { revision: 0n, roles: new Map(), policies: [] };

/**
 * Who callers of a daemon are, asked of metadata at each call: what was written there counts with the next call. The rules
 * themselves are sent when they have changed.
 */
export class RemoteIdentities {
  readonly #authentication: TesseraClient['authentication'];
  readonly #clock: Clock;
  readonly #remembered = new LruCache<{ readonly identity: Identity; readonly atMs: number }>({
    maxEntries: maxRemembered,
    maxWeight: maxRemembered,
  });
  #rules = noRules;

  constructor(authentication: TesseraClient['authentication'], clock: Clock) {
    this.#authentication = authentication;
    this.#clock = clock;
  }

  /** @throws UNAUTHENTICATED TOKEN_INVALID, TOKEN_EXPIRED; what calling metadata throws */
  async identityOf(token: string): Promise<Identity> {
    const key = createHash('sha256').update(token).digest('base64');
    try {
      const identity = await this.#resolve(token);
      this.#remembered.set(key, { identity, atMs: this.#clock.monotonicMs() }, 1);
      return identity;
    } catch (error) {
      const known = this.#remembered.get(key);
      const isYoung = known !== undefined && this.#clock.monotonicMs() - known.atMs <= graceMs;
      if (isYoung && isAway(error)) return known.identity;
      throw error;
    }
  }

  async #resolve(token: string): Promise<Identity> {
    const known = this.#rules;
    const request = { token, knownRevision: known.revision };
    const { user, roles, services, revision, rules } = await withDeadline(
      resolveTimeoutMs,
      (signal) => this.#authentication.resolveToken(request, { signal }),
      { what: 'asking metadata who calls', reason: 'METADATA_SLOW', clock: this.#clock },
    );
    if (services.length > 0) {
      return { kind: 'service', name: user, services: servicesFromProto(services) };
    }
    const current = rules === undefined ? known : rulesFromProto(rules, revision);
    if (current.revision > this.#rules.revision) this.#rules = current;
    const own = roles.flatMap((name) => current.roles.get(name) ?? []);
    return { kind: 'user', caller: { user, roles: own, policies: current.policies, revision } };
  }
}

function rulesFromProto({ roles, policies }: access.AccessRules, revision: bigint): KnownRules {
  return {
    revision,
    roles: new Map(roles.map(roleFromProto).map((role) => [role.name, role])),
    policies: policies.map(policyFromProto),
  };
}

function isAway(error: unknown): boolean {
  return (
    isTesseraError(error) &&
    (error.code === Code.UNAVAILABLE || error.code === Code.DEADLINE_EXCEEDED)
  );
}
