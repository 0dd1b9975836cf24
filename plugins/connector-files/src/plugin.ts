import { definePlugin } from '@tessera/plugin';
import { filesConfig } from './config.ts';
import { FilesConnector } from './files-connector.ts';

/** Tables that are CSV, JSON or Parquet files. */
export const plugin = definePlugin({
  kind: 'connector',
  name: 'files',
  apiVersion: 1,
  config: filesConfig,
  create: (context) => new FilesConnector(context),
});
