import { tickSeconds } from './traces.ts';

/** How finely a run is simulated, and how often it is looked at. */
export interface Timing {
  /** Of a trace, too: it has one value for each tick. */
  readonly tickSeconds: number;
  readonly sampleTicks: number;
  readonly decisionTicks: number;
  /** Tasks that have just begun report nothing of use for so long. */
  readonly quietTicks: number;
  readonly momentTicks: number;
}

/** A sample each ten seconds, a decision each half minute. */
export const minutely: Timing = {
  tickSeconds,
  sampleTicks: 2,
  decisionTicks: 6,
  quietTicks: 2,
  momentTicks: 60 / tickSeconds,
};

/** A sample and a decision each second, of jobs whose tasks report soon after they began. */
export const secondly: Timing = {
  tickSeconds: 1,
  sampleTicks: 1,
  decisionTicks: 1,
  quietTicks: 3,
  momentTicks: 1,
};
