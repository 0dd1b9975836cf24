/** Drivers of deep storage: a folder that all hosts mount, and HDFS over HTTP. */
export { FileDeepStorage } from './files/file-deep-storage.ts';
export { openDeepStorage } from './open-deep-storage.ts';
export type { WebHdfsOptions } from './webhdfs/web-hdfs-client.ts';
export { WebHdfsDeepStorage } from './webhdfs/web-hdfs-deep-storage.ts';
