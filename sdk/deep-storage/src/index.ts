/** Drivers of deep storage: a folder that all hosts mount, and HDFS over HTTP. */
export { FileDeepStorage } from './files/file-deep-storage.ts';
