import type { FieldViolation } from '@tessera/base';
import { z } from 'zod';
import { configInvalid } from './errors.ts';

const sqliteStore = z.strictObject({
  driver: z.literal('sqlite'),
  file: z.string().min(1).describe('The database file; its folder is made when missing.'),
});

const memoryStore = z.strictObject({ driver: z.literal('memory') });

const etcdStore = z.strictObject({
  driver: z.literal('etcd'),
  endpoints: z
    .array(
      z.string().regex(/^https?:\/\/[^\s/]+:\d{1,5}\/?$/, 'must be such as https://10.0.0.1:2379'),
    )
    .min(1)
    .max(32)
    .readonly()
    .describe('Members of one etcd cluster, such as `https://10.0.0.1:2379`.'),
  prefix: z
    .string()
    .regex(
      /^[A-Za-z0-9._-]+(\/[A-Za-z0-9._-]+)*$/,
      'must be letters, digits, dots, dashes and slashes between them',
    )
    .max(200)
    .default('tessera')
    .describe('What all keys in etcd begin with: one for each platform that shares an etcd.'),
  username: z.string().min(1).optional().describe('The user of etcd, when it asks for one.'),
  passwordFile: z.string().min(1).optional().describe("A file that holds the user's password."),
  tls: z
    .strictObject({
      caFile: z
        .string()
        .min(1)
        .optional()
        .describe("The authority of etcd's certificates (PEM); by default those of the system."),
      certificateFile: z.string().min(1).optional().describe('Our own certificate (PEM).'),
      keyFile: z.string().min(1).optional().describe('The key of our certificate (PEM).'),
    })
    .prefault({}),
});

/** Over TLS, or on this machine: whoever can change the keys on the way can be anybody. */
const keysUri = z
  .string()
  .regex(
    /^(https:\/\/|http:\/\/(127\.\d{1,3}\.\d{1,3}\.\d{1,3}|localhost|\[::1\])(:\d{1,5})?\/)\S+$/,
    'must begin with https://',
  );

/** Only what is signed with a private key: a secret that both sides share would let every side sign. */
const algorithms = [
  ...(['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'] as const),
  ...(['ES256', 'ES384', 'ES512', 'EdDSA'] as const),
] as const;

const wholeMs = z.number().int().min(0);

export const identityProvider = z.strictObject({
  issuer: z.string().min(1).describe('What its tokens have as `iss`, exactly.'),
  audience: z.string().min(1).describe('What they have as `aud`: that they are for this platform.'),
  jwksUri: keysUri.describe('Where its keys are published (JWKS).'),
  caFile: z
    .string()
    .min(1)
    .optional()
    .describe('The authority of its certificate (PEM); by default those of the system.'),
  algorithms: z
    .array(z.enum(algorithms))
    .min(1)
    .readonly()
    .default(['RS256', 'PS256', 'ES256', 'EdDSA'])
    .describe('What tokens may be signed with.'),
  clockSkewMs: wholeMs
    .max(300_000)
    .default(30_000)
    .describe('How far its clock and ours may be apart, in milliseconds.'),
  userClaim: z.string().min(1).default('sub').describe('The claim that holds the id of the user.'),
  userPrefix: z
    .string()
    .regex(/^([a-z0-9][a-z0-9_.-]*)?$/)
    .default('')
    .describe("What is put before it, so that its users are told from the platform's own."),
  users: z
    .enum(['known', 'any'])
    .default('known')
    .describe(
      '`known`: who has a `User` of that id; `any`: others too, with what their groups give.',
    ),
  groupsClaim: z.string().min(1).default('groups').describe('The claim that holds their groups.'),
  groupPrefix: z
    .string()
    .regex(/^([a-z0-9][a-z0-9_.-]*)?$/)
    .default('')
    .describe('What is put before the name of a group, where `groups` is absent.'),
  groups: z
    .record(z.string(), z.string())
    .optional()
    .describe('From its groups to ids of `Group`; those that are not listed then mean nothing.'),
  keys: z
    .strictObject({
      refreshMs: wholeMs
        .default(600_000)
        .describe('Keys this old are read again, in milliseconds.'),
      maxAgeMs: wholeMs
        .default(86_400_000)
        .describe('While they cannot be read, the last ones count for so long, in milliseconds.'),
      cooldownMs: wholeMs
        .default(30_000)
        .describe('Between reads, whatever keys tokens name, in milliseconds.'),
    })
    .prefault({}),
});

export type IdentityProviderConfig = z.infer<typeof identityProvider>;

/** What can be set of the metadata daemon. */
export const metadataConfig = z.strictObject({
  store: z
    .discriminatedUnion('driver', [sqliteStore, etcdStore, memoryStore])
    .describe('Where metadata is kept. `memory` forgets everything with the process.'),
  installationFile: z
    .string()
    .min(1)
    .optional()
    .describe(
      'Where the daemon notes which installation it serves: a store of another one, or an empty one, is refused from then on. Absent: any is served.',
    ),
  compaction: z
    .strictObject({
      retainMs: z
        .number()
        .int()
        .min(0)
        .default(3_600_000)
        .describe('How long past revisions can be read and watched from, in milliseconds.'),
      retainRevisions: z
        .number()
        .int()
        .min(1)
        .default(100_000)
        .describe('However young: no more past revisions than this are kept.'),
      intervalMs: z
        .number()
        .int()
        .min(100)
        .default(60_000)
        .describe('How often the store is compacted, in milliseconds.'),
    })
    .prefault({}),
  identityProviders: z
    .array(identityProvider)
    .max(16)
    .readonly()
    .default([])
    .describe('OpenID Connect providers whose tokens are taken, each with an issuer of its own.'),
});

export type MetadataConfig = z.infer<typeof metadataConfig>;
export type MetadataConfigInput = z.input<typeof metadataConfig>;
export type StoreConfig = MetadataConfig['store'];
export type EtcdStoreConfig = Extract<StoreConfig, { readonly driver: 'etcd' }>;

/** @throws METADATA_CONFIG_INVALID with one violation for each fault. */
export function parseMetadataConfig(input: unknown): MetadataConfig {
  const { success, data, error } = metadataConfig.safeParse(input);
  if (!success) throw configInvalid(error.issues.map(violationOf));
  const faults = [
    ...(data.store.driver === 'etcd' ? etcdFaults(data.store) : []),
    ...issuerFaults(data.identityProviders),
  ];
  if (faults.length > 0) throw configInvalid(faults);
  return data;
}

/** What belongs together is given together. */
function etcdFaults({ username, passwordFile, tls }: EtcdStoreConfig): FieldViolation[] {
  const faults: FieldViolation[] = [];
  const together = (first: string, second: string, a: unknown, b: unknown) => {
    if ((a === undefined) === (b === undefined)) return;
    const [field, missing] = a === undefined ? [second, first] : [first, second];
    faults.push({ field: `store.${field}`, description: `needs store.${missing} beside it` });
  };
  together('username', 'passwordFile', username, passwordFile);
  together('tls.certificateFile', 'tls.keyFile', tls.certificateFile, tls.keyFile);
  return faults;
}

/** Of two providers of one issuer it would depend on their order whose rules count. */
function issuerFaults(providers: readonly IdentityProviderConfig[]): FieldViolation[] {
  const issuers = ['tessera', ...providers.map(({ issuer }) => issuer)];
  return providers.flatMap(({ issuer }, i) =>
    issuers.indexOf(issuer) === i + 1
      ? []
      : [{ field: `identityProviders.${i}.issuer`, description: 'is taken by another one' }],
  );
}

function violationOf({ path, message }: z.core.$ZodIssue): FieldViolation {
  return { field: path.join('.') || 'configuration', description: message };
}
