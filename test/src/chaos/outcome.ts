import { type Fault, type FaultKind, faultKinds } from './fault.ts';
import { type QuestionTally, questionKinds } from './question-kinds.ts';

/** One round, from the first fault until everybody was served again. */
export interface FaultWindow {
  readonly faults: readonly Fault[];
  readonly holdMs: number;
  /** From when nothing was wrong any more. */
  readonly recoveryMs: number;
  /** Questions in that time. */
  readonly right: number;
  readonly failed: number;
}

export interface ChaosOutcome {
  readonly windows: readonly FaultWindow[];
  /** Kinds of faults that cannot be made here. */
  readonly without: ReadonlySet<FaultKind>;
  /** Answers that no version of the data gives, failures that are not retryable, and what did not come back. */
  readonly wrong: readonly string[];
  /** Acknowledged writes that are not there at the end. */
  readonly lost: readonly string[];
  /** Acknowledged writes, by what was written. */
  readonly acknowledged: Readonly<Record<string, number>>;
  /** Operations of schedulers that were taken on, and segments that they have published. */
  readonly operations: number;
  readonly publishedSegments: number;
  readonly questions: QuestionTally;
}

/** What a run that proves something has seen at least; of the counts, one for so many faults. */
const least = {
  cuboidShare: 0.2,
  answeredPerFault: 1,
  faultsPerAnswerOfKind: 6,
  faultsPerSegment: 10,
  faultsPerWrite: 4,
  /** Faults after which each kind has come, in every seed that there is in practice. */
  faultsForAllKinds: 200,
} as const;

export function faultCount({ windows }: Pick<ChaosOutcome, 'windows'>): number {
  return windows.reduce((sum, { faults }) => sum + faults.length, 0);
}

/**
 * What was too little of a run to say that it shows something: nothing is wrong where nobody is answered and nothing is
 * written.
 */
export function shortcomings(outcome: ChaosOutcome): readonly string[] {
  const { questions, acknowledged, publishedSegments, windows, without } = outcome;
  const faults = faultCount(outcome);
  const atLeast = (what: string, found: number, wanted: number) =>
    found >= wanted ? [] : [`${what}: ${found}, and not at least ${wanted}`];
  const seen = new Set(windows.flatMap((window) => window.faults.map(({ kind }) => kind)));
  const unseen = faultKinds.filter((kind) => !without.has(kind) && !seen.has(kind));
  const ofKind = Math.ceil(faults / least.faultsPerAnswerOfKind);
  return [
    ...atLeast('share of answers from cuboids', questions.cuboidShare, least.cuboidShare),
    ...atLeast('answers', questions.all.answered, faults * least.answeredPerFault),
    ...questionKinds.flatMap((kind) => [
      ...atLeast(`${kind}: answers`, questions.of(kind).answered, ofKind),
      ...atLeast(`${kind}: answers from cuboids`, questions.of(kind).fromCuboids, 1),
    ]),
    ...atLeast('published segments', publishedSegments, Math.ceil(faults / least.faultsPerSegment)),
    ...Object.entries(acknowledged).flatMap(([what, count]) =>
      atLeast(`${what}: acknowledged writes`, count, Math.ceil(faults / least.faultsPerWrite)),
    ),
    ...(faults < least.faultsForAllKinds ? [] : unseen.map((kind) => `no fault was ${kind}`)),
  ];
}
