import { z } from 'zod';

/** What can be set of the metadata daemon. */
export const metadataConfig = z.object({
  store: z
    .discriminatedUnion('driver', [
      z.object({
        driver: z.literal('sqlite'),
        file: z.string().min(1).describe('The database file; its folder is made when missing.'),
      }),
      z.object({ driver: z.literal('memory') }),
    ])
    .describe('Where metadata is kept. `memory` forgets everything with the process.'),
  compaction: z
    .object({
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
