import type { DataType } from '@tessera/columnar';
import { definePlugin } from '@tessera/plugin';
import { z } from 'zod';
import { LtsvConnector } from './ltsv-connector.ts';

const columnType = z
  .enum(['text', 'bigint', 'double', 'boolean', 'date', 'timestamp'])
  .transform((kind): DataType => ({ kind }));

/** Parsed once, before `create` runs; every wrong setting is reported with its path. */
export const config = z.strictObject({
  tables: z.record(
    z.string().min(1),
    z.strictObject({
      path: z.string().min(1).describe('File, relative to the folder of the configuration.'),
      columns: z.record(z.string().min(1), columnType).describe('Type of each label.'),
    }),
  ),
});

export type LtsvConfig = z.output<typeof config>;

export const plugin = definePlugin({
  kind: 'connector',
  name: 'ltsv',
  apiVersion: 1,
  config,
  create: ({ config, baseDirectory }) => new LtsvConnector(config, baseDirectory),
});
