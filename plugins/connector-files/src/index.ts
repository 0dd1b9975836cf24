/** Reads CSV, JSON and Parquet files as tables. */
export { type FilesConfig, filesConfig, parseTypeName, type TableConfig } from './config.ts';
export {
  FilesConnector,
  type FilesConnectorOptions,
  type TablePreview,
} from './files-connector.ts';
export { type InferredType, inferType } from './infer-type.ts';
export { plugin, plugin as default } from './plugin.ts';
