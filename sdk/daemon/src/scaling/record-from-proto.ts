import { isTesseraError, messageOf } from '@tessera/base';
import { flink } from '@tessera/proto';
import {
  type DecisionRecord,
  type JobSample,
  type LimitCode,
  type LimitEffect,
  type LimitedDecision,
  type LimitsMemory,
  type MetricHistory,
  type Parallelism,
  type RecordedOutcome,
  type ScalingAction,
  type ScalingInput,
  type ScalingLimits,
  type ScalingReason,
  type VetoOutcome,
  weekDays,
} from '@tessera/scaling';
import { scalingDecisionInvalid } from './errors.ts';

/** @throws SCALING_DECISION_INVALID */
export const decodeRecord = (bytes: Uint8Array): DecisionRecord =>
  decoded(() => recordFromProto(flink.ScalingDecision.decode(bytes)));

/** Oldest first. @throws SCALING_DECISION_INVALID */
export const decodeLog = (bytes: Uint8Array): readonly DecisionRecord[] =>
  decoded(() => flink.ScalingDecisionLog.decode(bytes).decisions.map(recordFromProto));

/** @throws SCALING_DECISION_INVALID */
export const decodeMetrics = (bytes: Uint8Array): MetricHistory =>
  decoded(() => ({ samples: flink.MetricHistory.decode(bytes).samples.map(sampleFromProto) }));

/** The decoder throws errors of its own for bytes that are no message. */
function decoded<T>(decode: () => T): T {
  try {
    return decode();
  } catch (error) {
    throw isTesseraError(error) ? error : scalingDecisionInvalid(messageOf(error));
  }
}

/** The record that was written. @throws SCALING_DECISION_INVALID where something is missing or not known. */
export function recordFromProto(decision: flink.ScalingDecision): DecisionRecord {
  const { job, quota, inFlight, vetoes } = decision;
  return {
    job,
    strategy: present(required(decision.strategy, 'strategy')),
    input: inputFromProto(required(decision.input, 'input')),
    limits: limitsFromProto(required(decision.limits, 'limits')),
    memory: memoryFromProto(required(decision.memory, 'memory')),
    ...(quota && { quota }),
    ...(inFlight && { inFlight }),
    outcome: outcomeFromProto(required(decision.outcome, 'outcome')),
    vetoes: vetoes.map(vetoFromProto),
    result: resultFromProto(required(decision.result, 'result')),
  };
}

function inputFromProto(input: flink.ScalingInput): ScalingInput {
  const { vertices, edges } = required(input.topology, 'input.topology');
  return {
    ...present(input),
    topology: {
      vertices: vertices.map(present),
      edges: edges.map(({ from, to, ship }) => ({
        from,
        to,
        ship: oneOf(['forward', 'rebalance', 'rescale', 'hash', 'broadcast'], ship, 'ship'),
      })),
    },
    samples: input.samples.map(sampleFromProto),
  };
}

export const sampleFromProto = (sample: flink.JobSample): JobSample => ({
  ...present(sample),
  vertices: mapped(sample.vertices, present),
});

function limitsFromProto(limits: flink.ScalingLimits): ScalingLimits {
  const { vertices, ...bounds } = required(limits.bounds, 'limits.bounds');
  return {
    bounds: {
      ...present(bounds),
      ...(Object.keys(vertices).length > 0 && { vertices: mapped(vertices, present) }),
    },
    cooldown: {
      beforeUpMs: limits.cooldownBeforeUpMs,
      beforeDownMs: limits.cooldownBeforeDownMs,
    },
    windows: limits.windows.map(({ rule, days, ...window }) => ({
      ...window,
      rule: oneOf(['freeze', 'noScaleDown', 'only'], rule, 'rule'),
      ...(days.length > 0 && { days: days.map((day) => oneOf(weekDays, day, 'days')) }),
    })),
    rollback: required(limits.rollback, 'limits.rollback'),
  };
}

/** What limits remember. */
export function memoryFromProto({ trial, avoided, ...memory }: flink.LimitsMemory): LimitsMemory {
  return {
    ...memory,
    ...(trial && { trial: present(trial) }),
    avoided: avoided.map((size) => ({
      ...size,
      direction: oneOf(['up', 'down'], size.direction, 'direction'),
    })),
  };
}

function outcomeFromProto(outcome: NonNullable<flink.ScalingDecision['outcome']>): RecordedOutcome {
  switch (outcome.$case) {
    case 'answer': {
      const { parallelism, reasons, forecast, options, learnedDigest } = outcome.value;
      const decision = {
        action: actionOf(parallelism),
        reasons: reasons.map(reasonFromProto),
        ...(forecast && { forecast }),
        options: options.map(optionFromProto),
      };
      return { kind: 'decided', decision, learnedDigest };
    }
    case 'failure': {
      const { code, message } = outcome.value;
      return { kind: 'failed', code: oneOf(failureCodes, code, 'failure.code'), message };
    }
    case 'notAsked': {
      const { code, message } = outcome.value;
      return { kind: 'notAsked', code: oneOf(notAskedCodes, code, 'not_asked.code'), message };
    }
  }
}

const failureCodes = ['STRATEGY_FAILED', 'STRATEGY_TIMED_OUT', 'STRATEGY_OUTPUT_INVALID'] as const;
const notAskedCodes = ['RESCALE_IN_FLIGHT', 'STRATEGY_PAUSED'] as const;

const actionOf = (parallelism: Parallelism): ScalingAction =>
  Object.keys(parallelism).length === 0 ? { kind: 'hold' } : { kind: 'rescale', parallelism };

const reasonFromProto = ({ code, message, vertex }: flink.ScalingReason): ScalingReason => ({
  code,
  message,
  ...(vertex !== '' && { vertex }),
});

function optionFromProto({ rejected, ...option }: flink.ScalingOption) {
  return { ...present(option), ...(rejected !== '' && { rejected }) };
}

function vetoFromProto({ veto, answer }: flink.VetoOutcome): VetoOutcome {
  switch (answer?.$case) {
    case 'failed':
      return { veto, answer: { failed: answer.value } };
    case 'allowed':
      return { veto, answer: { allowed: true } };
    case 'refusal':
      return { veto, answer: { allowed: false, ...present(answer.value) } };
    case undefined:
      throw scalingDecisionInvalid(`vetoes: ${veto} has no answer`);
  }
}

function resultFromProto(result: flink.ScalingResult): LimitedDecision {
  const { parallelism, effects, condition, memory } = result;
  return {
    action: actionOf(parallelism),
    effects: effects.map(effectFromProto),
    ...(condition && { condition: reasonFromProto(condition) }),
    memory: memoryFromProto(required(memory, 'result.memory')),
  };
}

const effectFromProto = ({ held, vertex, code, ...effect }: flink.LimitEffect): LimitEffect => ({
  ...present(effect),
  kind: held ? 'held' : 'changed',
  code: code as LimitCode, // Whatever a later version calls it: it is only shown.
  ...(vertex !== '' && { vertex }),
});

type Present<T> = { [K in keyof T]: Exclude<T[K], undefined> };

/** Without the members that are absent on the wire: decoding sets those to undefined. */
function present<T extends object>(message: T): Present<T> {
  const members = Object.entries(message).filter(([, value]) => value !== undefined);
  return Object.fromEntries(members) as Present<T>;
}

function mapped<A, B>(map: Readonly<Record<string, A>>, to: (value: A) => B): Record<string, B> {
  return Object.fromEntries(Object.entries(map).map(([key, value]) => [key, to(value)]));
}

function required<T>(value: T | undefined, field: string): T {
  if (value === undefined) throw scalingDecisionInvalid(`${field} is missing`);
  return value;
}

function oneOf<T extends string>(known: readonly T[], value: string, field: string): T {
  const found = known.find((each) => each === value);
  if (found === undefined) throw scalingDecisionInvalid(`${field} is ${JSON.stringify(value)}`);
  return found;
}
