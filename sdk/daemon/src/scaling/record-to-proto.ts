import { flink } from '@tessera/proto';
import type {
  DecisionRecord,
  JobSample,
  LimitEffect,
  LimitedDecision,
  LimitsMemory,
  MetricHistory,
  RecordedOutcome,
  ScalingAction,
  ScalingInput,
  ScalingLimits,
  ScalingOption,
  ScalingReason,
  VetoOutcome,
} from '@tessera/scaling';

/** A record as `tessera.flink.v1.ScalingDecision`; reading it back gives the same record, bit for bit. */
export function recordToProto(record: DecisionRecord): flink.ScalingDecision {
  return {
    job: record.job,
    strategy: record.strategy,
    input: inputToProto(record.input),
    limits: limitsToProto(record.limits),
    memory: memoryToProto(record.memory),
    quota: record.quota,
    inFlight: record.inFlight,
    outcome: outcomeToProto(record.outcome),
    vetoes: record.vetoes.map(vetoToProto),
    result: resultToProto(record.result),
  };
}

export const encodeRecord = (record: DecisionRecord): Uint8Array =>
  flink.ScalingDecision.encode(recordToProto(record)).finish();

/** One after the other, encoded logs are one log: so a file of them grows by appending. */
export const encodeLog = (records: readonly DecisionRecord[]): Uint8Array =>
  flink.ScalingDecisionLog.encode({ decisions: records.map(recordToProto) }).finish();

export const encodeMetrics = ({ samples }: MetricHistory): Uint8Array =>
  flink.MetricHistory.encode({ samples: samples.map(sampleToProto) }).finish();

export const sampleToProto = (sample: JobSample): flink.JobSample => ({
  ...sample,
  vertices: { ...sample.vertices },
});

const inputToProto = (input: ScalingInput): flink.ScalingInput => ({
  ...input,
  topology: input.topology,
  samples: input.samples.map(sampleToProto),
});

const limitsToProto = ({ bounds, cooldown, windows, rollback }: ScalingLimits) => ({
  bounds: { ...bounds, vertices: { ...bounds.vertices } },
  cooldownBeforeUpMs: cooldown.beforeUpMs,
  cooldownBeforeDownMs: cooldown.beforeDownMs,
  windows: windows.map((window) => ({ ...window, days: window.days ?? [] })),
  rollback,
});

/** What limits remember. */
export const memoryToProto = (memory: LimitsMemory): flink.LimitsMemory => ({
  ...memory,
  trial: memory.trial && { ...memory.trial, before: memory.trial.before },
});

function outcomeToProto(outcome: RecordedOutcome): flink.ScalingDecision['outcome'] {
  switch (outcome.kind) {
    case 'decided': {
      const { action, reasons, forecast, options } = outcome.decision;
      const value: flink.StrategyAnswer = {
        parallelism: parallelismOf(action),
        reasons: reasons.map(reasonToProto),
        forecast: forecast && {
          ...forecast,
          quantiles: forecast.quantiles.map(({ quantile, rates }) => ({
            quantile,
            rates: [...rates],
          })),
        },
        options: options.map(optionToProto),
        learnedDigest: outcome.learnedDigest,
      };
      return { $case: 'answer', value };
    }
    case 'failed':
      return { $case: 'failure', value: { code: outcome.code, message: outcome.message } };
    case 'notAsked':
      return { $case: 'notAsked', value: reasonToProto(outcome) };
  }
}

const parallelismOf = (action: ScalingAction) => (action.kind === 'hold' ? {} : action.parallelism);

const reasonToProto = ({
  code,
  message,
  vertex = '',
}: Omit<ScalingReason, 'kind'>): flink.ScalingReason => ({ code, message, vertex });

const optionToProto = (option: ScalingOption): flink.ScalingOption => ({
  ...option,
  cost: option.cost,
  rejected: option.rejected ?? '',
});

function vetoToProto({ veto, answer }: VetoOutcome): flink.VetoOutcome {
  if ('failed' in answer) return { veto, answer: { $case: 'failed', value: answer.failed } };
  if (answer.allowed) return { veto, answer: { $case: 'allowed', value: true } };
  const { allowed: _, ...refusal } = answer;
  return { veto, answer: { $case: 'refusal', value: refusal } };
}

const resultToProto = ({
  action,
  effects,
  condition,
  memory,
}: LimitedDecision): flink.ScalingResult => ({
  parallelism: parallelismOf(action),
  effects: effects.map(effectToProto),
  condition: condition && reasonToProto(condition),
  memory: memoryToProto(memory),
});

const effectToProto = ({ kind, vertex = '', ...effect }: LimitEffect): flink.LimitEffect => ({
  ...effect,
  held: kind === 'held',
  vertex,
});
