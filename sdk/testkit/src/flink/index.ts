/** A real Apache Flink on loopback. */
export { flinkFolder } from './flink-folder.ts';
export type { FlinkProcess } from './flink-process.ts';
export { type FlinkOptions, type FlinkServers, startFlink } from './start-flink.ts';
