import type { ScalingReason } from '../decision.ts';
import type { VetoOutcome } from '../limits/vetoes.ts';
import { type Parallelism, sameParallelism, slotsOf } from '../topology.ts';
import type { DecisionRecord } from './decision-record.ts';
import { forecastTable, optionTable } from './explain-choice.ts';
import { loadWords, runningWords, sampleWords, vertexTable } from './explain-load.ts';
import { type Explanation, slotsText, timeText } from './explanation.ts';
import { VertexLabels } from './vertex-labels.ts';

/** Why a decision came out as it did: what was seen, expected and weighed, and what changed the answer afterwards. */
export function explain(record: DecisionRecord): Explanation {
  const { job, input, outcome } = record;
  const labels = new VertexLabels(input.topology);
  const decision = outcome.kind === 'decided' ? outcome.decision : undefined;
  const sizes = { wanted: wantedOf(record), result: resultOf(record) };
  const tables = [
    vertexTable(input, sizes, labels),
    forecastTable(decision?.forecast),
    optionTable(decision?.options ?? [], input.topology, input.parallelism),
  ];
  return {
    headline: `${timeText(input.nowMs)} ${job}: ${actionWords(record, labels)}`,
    facts: [
      `now: ${slotsText(slotsOf(input.topology, input.parallelism))}, ${runningWords(input)}`,
      `load: ${loadWords(input)}`,
      ...answerFacts(record, labels),
      ...limitFacts(record, labels),
      ...record.vetoes.map(vetoFact),
      `samples: ${sampleWords(input, labels)}`,
      ...roomFacts(record),
    ],
    tables: tables.filter((table) => table !== undefined),
  };
}

function actionWords(record: DecisionRecord, labels: VertexLabels): string {
  const { input, outcome, result } = record;
  const { action } = result;
  if (action.kind === 'rescale') {
    const from = slotsOf(input.topology, input.parallelism);
    const to = slotsOf(input.topology, action.parallelism);
    return `from ${from} to ${slotsText(to)} (${changeWords(record, action.parallelism, labels)})`;
  }
  const held = result.effects.findLast(({ kind }) => kind === 'held');
  if (held !== undefined) return `a change is held back (${held.code})`;
  const isWish = outcome.kind === 'decided' && outcome.decision.action.kind === 'rescale';
  return isWish ? 'stays as it is, all limits considered' : 'stays as it is';
}

function answerFacts(record: DecisionRecord, labels: VertexLabels): readonly string[] {
  const { outcome, strategy, input, result } = record;
  const who = `${strategy.name} ${strategy.version}`.trimEnd();
  if (outcome.kind !== 'decided') {
    const failed = outcome.kind === 'failed' ? 'gave no answer' : 'was not asked';
    return [`strategy: ${who} ${failed}: ${labels.within(outcome.message)} (${outcome.code})`];
  }
  const { action, reasons } = outcome.decision;
  const wish =
    action.kind === 'hold'
      ? 'that it stays as it is'
      : `${slotsText(slotsOf(input.topology, action.parallelism))} (${changeWords(record, action.parallelism, labels)})`;
  const { condition } = result;
  return [
    `strategy: ${who} wants ${wish}`,
    ...reasons.map((reason) => `because: ${reasonWords(reason, labels)}`),
    ...(condition === undefined ? [] : [`not used: ${reasonWords(condition, labels)}`]),
  ];
}

function limitFacts({ result, vetoes }: DecisionRecord, labels: VertexLabels): readonly string[] {
  const ofVetoes = vetoes.length > 0 ? ['VETOED', 'VETO_FAILED'] : [];
  return result.effects
    .filter(({ code }) => !ofVetoes.includes(code))
    .map(({ kind, ...reason }) => {
      const what = kind === 'held' ? 'held back' : 'changed';
      return `${what}: ${reasonWords(reason, labels)}`;
    });
}

function vetoFact({ veto, answer }: VetoOutcome): string {
  if ('failed' in answer)
    return `veto: ${veto} cannot be asked, so it counts as a no: ${answer.failed}`;
  if (answer.allowed) return `veto: ${veto} allows it`;
  const { message, code, untilMs } = answer;
  const until = untilMs === undefined ? '' : `, until ${timeText(untilMs)}`;
  return `veto: ${veto} forbids it: ${message} (${code})${until}`;
}

function roomFacts({ input, quota }: DecisionRecord): readonly string[] {
  const { freeSlots } = input;
  const parts = [
    ...(freeSlots === undefined ? [] : [`${slotsText(freeSlots)} more could be had`]),
    ...(quota === undefined ? [] : [`its share of ${quota.quota} is ${slotsText(quota.slots)}`]),
  ];
  return parts.length === 0 ? [] : [`room: ${parts.join('; ')}`];
}

function reasonWords({ code, message, vertex }: ScalingReason, labels: VertexLabels): string {
  const where = vertex === undefined ? '' : `${labels.of(vertex)}: `;
  return `${where}${labels.within(message)} (${code})`;
}

function wantedOf({ outcome, input }: DecisionRecord): Parallelism {
  const action = outcome.kind === 'decided' ? outcome.decision.action : undefined;
  return action?.kind === 'rescale' ? action.parallelism : input.parallelism;
}

const resultOf = ({ result: { action }, input }: DecisionRecord): Parallelism =>
  action.kind === 'rescale' ? action.parallelism : input.parallelism;

function changeWords(
  { input: { parallelism: from } }: DecisionRecord,
  to: Parallelism,
  labels: VertexLabels,
): string {
  if (sameParallelism(from, to)) return 'as it is';
  return Object.entries(to)
    .filter(([id, subtasks]) => from[id] !== subtasks)
    .map(([id, subtasks]) => `${labels.of(id)} ${from[id] ?? 0} → ${subtasks}`)
    .join(', ');
}
