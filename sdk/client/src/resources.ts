/** Pairs of functions between messages and domain values: `x === xFromProto(xToProto(x))`. */
export { cubeSpecFromProto, cubeSpecToProto } from './resources/cube-spec.ts';
export {
  type DaemonWork,
  daemonWorkFromProto,
  daemonWorkToProto,
} from './resources/daemon-work.ts';
export { formatDaemonWork } from './resources/daemon-work-text.ts';
export {
  dataTypeFromProto,
  dataTypeToProto,
  fieldFromProto,
  fieldToProto,
  schemaFromProto,
  schemaToProto,
} from './resources/data-type.ts';
export {
  blockCoverageFromProto,
  blockCoverageToProto,
  blockExplanationFromProto,
  blockExplanationToProto,
} from './resources/explanation.ts';
export { expressionFromProto, expressionToProto } from './resources/expression.ts';
export { jobManagerSizeFromProto, taskManagerSizeFromProto } from './resources/flink-size.ts';
export { modelSpecFromProto, modelSpecToProto } from './resources/model-spec.ts';
export {
  type Coverage,
  type CuboidUse,
  coverageFromProto,
  coverageToProto,
  type PlanKind,
  planKindFromProto,
  planKindToProto,
  type QueryParameter,
  type QuerySettings,
  type QuerySummary,
  type QueryTimings,
  queryParameterFromProto,
  queryParameterToProto,
  querySettingsFromProto,
  querySettingsToProto,
  querySummaryFromProto,
  querySummaryToProto,
} from './resources/query.ts';
export { recordBatchFromProto, recordBatchToProto } from './resources/record-batch.ts';
export {
  scanParametersFromProto,
  scanParametersToProto,
  scanPlanFromProto,
  scanPlanToProto,
} from './resources/scan-plan.ts';
export { type ScanWork, scanWorkFromProto, scanWorkToProto } from './resources/scan-work.ts';
export {
  layoutColumnFromProto,
  layoutColumnToProto,
  layoutFromProto,
  layoutToProto,
  segmentFromProto,
  segmentRangeFromProto,
  segmentRangeToProto,
  segmentStateFromProto,
  segmentStateToProto,
  segmentToProto,
  sourceVersionFromProto,
} from './resources/segment.ts';
export {
  durationFromProto,
  durationToProto,
  timestampFromProto,
  timestampToProto,
} from './resources/time.ts';
export {
  decimalText,
  unscaledOf,
  untypedValueFromProto,
  valueFromProto,
  valueToProto,
} from './resources/value.ts';
