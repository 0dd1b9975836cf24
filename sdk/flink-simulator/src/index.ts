/** A Flink job in discrete time, whose truth strategies do not see: how well does one keep it the right size? */
export { type Configuration, configurationsOf } from './configurations.ts';
export { drawImperfections, drawJob } from './draw-job.ts';
export { rescaleSeconds, type SimulatedJob, topologyOf } from './job.ts';
export * as simulatedJobs from './jobs.ts';
export type { Measures } from './measures.ts';
export type { Imperfections } from './observe.ts';
export { type OraclePlan, oraclePlan } from './oracle.ts';
export { type SecondProfile, secondProfiles, secondScenario } from './second-scale.ts';
export {
  type Crashes,
  type Moment,
  type Recording,
  type RunOptions,
  type Scenario,
  simulate,
} from './simulate.ts';
export { fewestSubtasks, sustainedLoad } from './sizing.ts';
export * as simulationSuite from './suite.ts';
export { minutely, secondly, type Timing } from './timing.ts';
export * as simulatedTraces from './traces.ts';
export {
  constant as constantLoad,
  type Trace,
  type TraceClass,
  type TraceKind,
  tickSeconds,
} from './traces.ts';
