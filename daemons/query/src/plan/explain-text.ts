import type { BlockExplanation, CandidateExplanation, ModelFix } from '@tessera/cube';

const outcomes: Readonly<Record<BlockExplanation['outcome'], string>> = {
  cuboid: 'from cuboids',
  mixed: 'from cuboids, the rest from the source',
  source: 'from the source',
  refused: 'refused',
};

/** EXPLAIN CUBOID for people: one paragraph per query block, one line per candidate. */
export function explainText(
  blocks: readonly BlockExplanation[],
  notes: readonly string[] = [],
): string {
  const lines = blocks.flatMap((block) => [
    `Block ${block.block}: ${block.summary}`,
    `  -> ${outcomes[block.outcome]}${reasonText(block.reason)}`,
    ...block.candidates.map((candidate) => `     ${candidateText(candidate)}`),
    ...(block.fix === undefined ? [] : fixText(block.fix)),
  ]);
  return [...(lines.length > 0 ? lines : ['No table is read.']), ...notes].join('\n');
}

function reasonText(reason: BlockExplanation['reason']): string {
  if (reason === undefined) return '';
  const missing = reason.missing.length === 0 ? '' : ` [${reason.missing.join(', ')}]`;
  return ` (${reason.code}: ${reason.message}${missing})`;
}

function candidateText(candidate: CandidateExplanation): string {
  const place = [candidate.model, candidate.cube, candidate.layout].filter(Boolean).join(' / ');
  const mark = candidate.taken ? 'taken' : 'not taken';
  const size =
    candidate.layout === undefined
      ? ''
      : ` {${candidate.dimensions.join(', ')}} ${candidate.rowCount} rows, ${candidate.sizeBytes} bytes, ${Math.round(candidate.predictedMicros)} µs predicted`;
  return `${mark}: ${place}${size}${reasonText(candidate.reason)}`;
}

function fixText(fix: ModelFix): string[] {
  return [
    `  To answer it from cuboids: ${fix.description}`,
    ...fix.addDimensions.map(
      ({ name, column, grain }) =>
        `     add dimension { name: ${name}, column: ${column}${grain === undefined ? '' : `, grain: ${grain}`} }`,
    ),
    ...fix.addMeasures.map(
      ({ name, aggregate, column, filter }) =>
        `     add measure { name: ${name}, aggregate: ${aggregate}${column === undefined ? '' : `, column: ${column}`}${filter === undefined ? '' : `, filter: ${filter}`} }`,
    ),
    ...fix.addCuboids.map((dimensions) => `     add cuboid [${dimensions.join(', ')}]`),
  ];
}
