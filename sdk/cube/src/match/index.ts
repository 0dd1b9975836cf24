/** Matching: which blocks of a statement cuboids can answer, by which layouts, and why not. */
export { formatExplanation } from './explain.ts';
export { applyFix } from './fix.ts';
export { type MatchOptions, matchStatement, refusalOf } from './match-statement.ts';
export { type ReasonCode, reasons } from './reasons.ts';
export { formatSourceRanges } from './source-ranges.ts';
