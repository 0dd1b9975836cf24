export { type ScheduleConfig, scheduleConfig } from './config.ts';
export { plugin } from './plugin.ts';
export { Schedule } from './schedule.ts';
