export { firstRows } from './first-rows.ts';
export { filesOf, type LayoutFile, layoutPath } from './layout-file.ts';
export {
  type LookupFilter,
  lookupFiltersOf,
  passingKeys,
  segmentsWithKeys,
} from './lookup-filter.ts';
export { type PartialScan, partialScan } from './partial-scan.ts';
export { emptyScan, scanSchema } from './scan-result.ts';
