/** A real Apache Flink on loopback. */
export { earlierFlinkVersion, flinkFolder, flinkVersion, loadJobJar } from './flink-folder.ts';
export type { FlinkProcess } from './flink-process.ts';
export { type FlinkFiles, installedFlink, packFlink } from './pack-flink.ts';
export { type FlinkOptions, type FlinkServers, startFlink } from './start-flink.ts';
