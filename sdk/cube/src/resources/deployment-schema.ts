import { z } from 'zod';
import { limits } from '../limits.ts';
import { atMost, header, resourceId, text, timeSpan } from './schema-parts.ts';

const optionValue = z.union(
  [text, z.number(), z.literal(true), z.array(z.union([text, z.number()]))],
  {
    error: 'must be a text, a number, true, or a list of texts and numbers',
  },
);

const daemon = z.strictObject({
  name: text.regex(/^[a-z0-9][a-z0-9-]{0,62}$/, "must be 1 to 63 of a-z, 0-9 and '-'"),
  hosts: z
    .strictObject({
      labels: z.record(text, z.string()).optional(),
      racks: z.array(text).optional(),
      hosts: z.array(resourceId).optional(),
      limit: z.int().min(1, 'must be at least 1').optional(),
    })
    .optional(),
  argv: z.array(z.string()).min(1, 'must not be empty'),
  options: z
    .record(text.regex(/^[a-z][a-z0-9-]*$/, "must be of a-z, 0-9 and '-'"), optionValue)
    .optional(),
  environment: z.record(text, z.string()).optional(),
  healthAddress: text.regex(/:[^:]+$/, 'must be host:port').optional(),
  artifacts: z
    .array(
      z.strictObject({
        artifact: text.regex(/^[0-9a-f]{64}$/, 'must be a SHA-256, 64 hexadecimal digits'),
        path: text,
        unpack: z.boolean().optional(),
      }),
    )
    .optional(),
  files: z.array(z.strictObject({ path: text, content: z.string() })).optional(),
  version: text.optional(),
  maxUnavailable: z.int().min(1, 'must be at least 1').optional(),
  gracePeriod: timeSpan.optional(),
});

/** A deployment as users write it. */
export const deployment = z.strictObject({
  ...header('Deployment'),
  paused: z.boolean().default(false),
  daemons: z.array(daemon).max(limits.daemons, atMost(limits.daemons)),
});
