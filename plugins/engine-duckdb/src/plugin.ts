import type { Engine } from '@tessera/plugin';
import { definePlugin } from '@tessera/plugin';
import { z } from 'zod';
import { build } from './build.ts';
import { extent } from './extent.ts';
import { merge } from './merge.ts';
import { sample } from './sample.ts';
import { snapshot } from './snapshot.ts';

export const engineConfig = z
  .strictObject({
    threads: z
      .number()
      .int()
      .min(1)
      .max(256)
      .optional()
      .describe('Threads of one build; default: all cores.'),
    maxTempBytes: z
      .number()
      .int()
      .positive()
      .optional()
      .describe('Most bytes a build may spill to its work directory; default: what the disk has.'),
    snapshotMemoryBytes: z
      .number()
      .int()
      .positive()
      .default(1 << 30)
      .describe('Memory limit while a lookup is copied.'),
  })
  .default({ snapshotMemoryBytes: 1 << 30 });

/** Builds with DuckDB inside this process, each unit of work in a database of its own with its own bounds. */
export const plugin = definePlugin({
  kind: 'engine',
  name: 'duckdb',
  apiVersion: 1,
  config: engineConfig,
  create: ({ config, workDirectory }): Engine => {
    const { threads, maxTempBytes } = config;
    const options = { workDirectory, threads, maxTempBytes };
    return {
      build: (request, signal) => build(request, options, signal),
      merge: (request, signal) => merge(request, options, signal),
      extent: (request, signal) => extent(request, options, signal),
      sample: (request, signal) => sample(request, options, signal),
      snapshot: (request, signal) =>
        snapshot(request, { ...options, memoryLimitBytes: config.snapshotMemoryBytes }, signal),
    };
  },
});
