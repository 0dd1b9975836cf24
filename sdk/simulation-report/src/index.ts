/** Simulated runs of scaling strategies as tables and plots: one page of HTML, and PNGs. */
export { type Course, CourseRecorder, type DrawnRun, drawnRun, type Point } from './course.ts';
export { type Loss, lossesOf } from './losses.ts';
export {
  meanOf,
  over120,
  ratioToOracle,
  type SimulationResults,
  type TraceResult,
} from './results.ts';
export { makeReportFolder, writeReport } from './write-report.ts';
