/** Resources as YAML: read with positions, printed, compared. */
export type {
  AccessFunctionWord,
  AccessResource,
  ColumnWord,
  GroupResource,
  PolicyResource,
  RoleResource,
  ServiceWord,
  UserResource,
} from './access-resource.ts';
export type { DeployedDaemon, DeploymentResource, OptionValue } from './deployment-resource.ts';
export {
  diffResources,
  type FieldDiff,
  printDiff,
  type ResourceDiff,
} from './diff-resources.ts';
export type {
  FlinkClusterResource,
  FlinkClusterWish,
  FlinkJobResource,
  FlinkJobWish,
  FlinkKeys,
  PartOfMemory,
} from './flink-resource.ts';
export type {
  FlinkScalingWish,
  MaintenanceWindowWish,
  PluginOptions,
  TimeText,
} from './flink-scaling.ts';
export { parseResources } from './parse-resources.ts';
export { printResources } from './print-resources.ts';
export {
  type CubeResource,
  type Json,
  type JsonObject,
  locateViolations,
  type ModelResource,
  type ParsedResource,
  type ParsedResources,
  type ProjectResource,
  type ProjectSpec,
  type Resource,
  type ResourceKind,
  type SourcePosition,
  type SourceResource,
  type SourceSpec,
} from './resource.ts';
export { parseSize, printSize } from './size.ts';
export { parseTimeSpan, printTimeSpan } from './time-span.ts';
