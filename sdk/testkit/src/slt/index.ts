/** `.slt` files: SQL behaviour as data. */
export { floatBound, rowsAsText, rowsDiffer } from './compare-rows.ts';
export {
  parseSlt,
  printSlt,
  type SltComment,
  type SltError,
  type SltFile,
  type SltOrder,
  type SltPlan,
  type SltQuery,
  typeLetters,
} from './parse-slt.ts';
