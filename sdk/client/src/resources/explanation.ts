import type {
  BlockCoverage,
  BlockExplanation,
  CandidateExplanation,
  ModelFix,
  Reason,
} from '@tessera/cube';
import { query } from '@tessera/proto';
import { enumPair } from './enum-pair.ts';
import { segmentRangeFromProto, segmentRangeToProto } from './segment.ts';

const outcomes = enumPair<BlockExplanation['outcome']>('outcome', {
  cuboid: query.BlockOutcome.BLOCK_OUTCOME_CUBOID,
  snapshot: query.BlockOutcome.BLOCK_OUTCOME_SNAPSHOT,
  mixed: query.BlockOutcome.BLOCK_OUTCOME_MIXED,
  source: query.BlockOutcome.BLOCK_OUTCOME_SOURCE,
  refused: query.BlockOutcome.BLOCK_OUTCOME_REFUSED,
});

export function blockCoverageToProto(coverage: BlockCoverage): query.BlockCoverage {
  return {
    model: coverage.model,
    modelRevision: coverage.modelRevision,
    cube: coverage.cube,
    layouts: [...coverage.layouts],
    segments: [...coverage.segments],
    prunedSegments: [...coverage.prunedSegments],
    pushedDown: coverage.pushedDown.map(segmentRangeToProto),
    rejectedRows: coverage.rejectedRows,
    asOfMicros: coverage.asOf,
    snapshots: [...coverage.snapshots],
  };
}

export function blockCoverageFromProto(message: query.BlockCoverage): BlockCoverage {
  return {
    model: message.model,
    modelRevision: message.modelRevision,
    cube: message.cube,
    layouts: [...message.layouts],
    segments: [...message.segments],
    prunedSegments: [...message.prunedSegments],
    snapshots: [...message.snapshots],
    pushedDown: message.pushedDown.map(segmentRangeFromProto),
    rejectedRows: message.rejectedRows,
    ...(message.asOfMicros === undefined ? {} : { asOf: message.asOfMicros }),
  };
}

export function blockExplanationToProto(explanation: BlockExplanation): query.BlockExplanation {
  return {
    block: explanation.block,
    summary: explanation.summary,
    outcome: outcomes.toProto(explanation.outcome) as query.BlockOutcome,
    reason: explanation.reason && reasonToProto(explanation.reason),
    candidates: explanation.candidates.map(candidateToProto),
    fix: explanation.fix && modelFixToProto(explanation.fix),
  };
}

export function blockExplanationFromProto(message: query.BlockExplanation): BlockExplanation {
  return {
    block: message.block,
    summary: message.summary,
    outcome: outcomes.fromProto(message.outcome),
    ...(message.reason ? { reason: reasonFromProto(message.reason) } : {}),
    candidates: message.candidates.map(candidateFromProto),
    ...(message.fix ? { fix: modelFixFromProto(message.fix) } : {}),
  };
}

function candidateToProto(candidate: CandidateExplanation): query.CandidateExplanation {
  return {
    model: candidate.model,
    cube: candidate.cube ?? '',
    layout: candidate.layout ?? '',
    dimensions: [...candidate.dimensions],
    rowCount: candidate.rowCount,
    sizeBytes: candidate.sizeBytes,
    predictedMicros: candidate.predictedMicros,
    taken: candidate.taken,
    reason: reasonToProto(candidate.reason),
  };
}

function candidateFromProto(message: query.CandidateExplanation): CandidateExplanation {
  const { model, cube, layout } = message;
  return {
    model,
    ...(cube ? { cube } : {}),
    ...(layout ? { layout } : {}),
    dimensions: [...message.dimensions],
    rowCount: message.rowCount,
    sizeBytes: message.sizeBytes,
    predictedMicros: message.predictedMicros,
    taken: message.taken,
    reason: reasonFromProto(message.reason ?? { code: '', message: '', missing: [] }),
  };
}

function reasonToProto({ code, message, missing }: Reason): query.Reason {
  return { code, message, missing: [...missing] };
}

function reasonFromProto({ code, message, missing }: query.Reason): Reason {
  return { code, message, missing: [...missing] };
}

function modelFixToProto(fix: ModelFix): query.ModelFix {
  return {
    description: fix.description,
    addDimensions: fix.addDimensions.map(({ name, column, grain = '' }) => ({
      name,
      column,
      grain,
    })),
    addMeasures: fix.addMeasures.map(({ name, aggregate, column = '', filter = '' }) => ({
      name,
      aggregate,
      column,
      filter,
    })),
    addCuboids: fix.addCuboids.map((dimensions) => ({ dimensions: [...dimensions] })),
  };
}

function modelFixFromProto(message: query.ModelFix): ModelFix {
  return {
    description: message.description,
    addDimensions: message.addDimensions.map(({ name, column, grain }) => ({
      name,
      column,
      ...(grain ? { grain } : {}),
    })),
    addMeasures: message.addMeasures.map(({ name, aggregate, column, filter }) => ({
      name,
      aggregate,
      ...(column ? { column } : {}),
      ...(filter ? { filter } : {}),
    })),
    addCuboids: message.addCuboids.map(({ dimensions }) => [...dimensions]),
  };
}
