import { describeEngine } from '@tessera/testkit/contracts';
import { engineConfig, plugin } from './plugin.ts';

const log = { info: () => undefined, warn: () => undefined, error: () => undefined };

describeEngine('duckdb', {
  create: async (workDirectory) =>
    plugin.create({
      config: engineConfig.parse({}),
      name: 'duckdb',
      log,
      baseDirectory: workDirectory,
      workDirectory,
    }),
});
