/** The `tessera` command: reads and prints; all work is done by the daemons it talks to. */
export { applyResources, exportResources, readResources } from './apply.ts';
export { positiveNumber, readText, wholeNumber } from './arguments.ts';
export { buildSummary } from './commands/build.ts';
export { type CommandContext, defaultAddress, type GlobalOptions } from './context.ts';
export { exitCodeOf, printFailure } from './failure.ts';
export { type Degraded, findDegraded } from './health/find-degraded.ts';
export { observePlatform } from './health/observe-platform.ts';
export { createProgram } from './program.ts';
export { ProgressBar } from './progress-bar.ts';
export type { Runner, Subject } from './runner.ts';
export { formatBytes, formatCount, formatMicros, formatTable, toJson } from './table.ts';
export { ignoreClosedPipes, processTerminal, type Terminal } from './terminal.ts';
export { transportOptionsOf } from './transport-options.ts';
