import { definePlugin } from '@tessera/plugin';
import { scheduleConfig } from './config.ts';
import { Schedule } from './schedule.ts';

/** Scales by the calendar. */
export const plugin = definePlugin({
  kind: 'strategy',
  name: 'schedule',
  apiVersion: 1,
  config: scheduleConfig,
  create: ({ config }) => new Schedule(config),
});
