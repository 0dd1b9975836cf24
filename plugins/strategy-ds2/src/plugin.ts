import { definePlugin } from '@tessera/plugin';
import { ds2Config } from './config.ts';
import { Ds2 } from './ds2.ts';

/** Scales by true processing rates, in one pass over the graph. */
export const plugin = definePlugin({
  kind: 'strategy',
  name: 'ds2',
  apiVersion: 1,
  config: ds2Config,
  create: ({ config }) => new Ds2(config),
});
