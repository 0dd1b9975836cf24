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

/** What can be set of the metadata daemon. */
export const metadataConfig = z.strictObject({
  store: z
    .discriminatedUnion('driver', [sqliteStore, etcdStore, memoryStore])
    .describe('Where metadata is kept. `memory` forgets everything with the process.'),
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
});

export type MetadataConfig = z.infer<typeof metadataConfig>;
export type MetadataConfigInput = z.input<typeof metadataConfig>;
export type StoreConfig = MetadataConfig['store'];
export type EtcdStoreConfig = Extract<StoreConfig, { readonly driver: 'etcd' }>;

/** @throws METADATA_CONFIG_INVALID with one violation for each fault. */
export function parseMetadataConfig(input: unknown): MetadataConfig {
  const { success, data, error } = metadataConfig.safeParse(input);
  if (!success) throw configInvalid(error.issues.map(violationOf));
  const faults = data.store.driver === 'etcd' ? etcdFaults(data.store) : [];
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

function violationOf({ path, message }: z.core.$ZodIssue): FieldViolation {
  return { field: path.join('.') || 'configuration', description: message };
}
