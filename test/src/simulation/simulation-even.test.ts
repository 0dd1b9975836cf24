import { describeSchedules } from './describe-schedules.ts';

describeSchedules(1);
