import type { FieldViolation } from '@tessera/base';
import { type PluginThreadOptions, StrategyRunner, VetoRunner } from '@tessera/daemon';
import { flink, type scheduler } from '@tessera/proto';
import { scalingRefused } from '../errors.ts';
import { policyOf, type ScalingPolicy } from '../scaling/policy.ts';

/** Wire in, wire out: loads plugins as a job would have them, and lets them go. */
export class ScalingHandler implements scheduler.ScalingServiceImplementation {
  readonly #threads: PluginThreadOptions;
  readonly #pluginDirectory: string;

  /** @param pluginDirectory where packages are looked up */
  constructor(threads: PluginThreadOptions, pluginDirectory: string) {
    this.#threads = threads;
    this.#pluginDirectory = pluginDirectory;
  }

  async checkScaling({ scaling }: scheduler.CheckScalingRequest) {
    const policy = this.#policyOf(scaling ?? flink.FlinkScaling.create());
    const faults = await faultsOf(policy, this.#threads);
    if (faults.length > 0) throw scalingRefused(faults);
    return {};
  }

  /** Metadata was not asked yet whether its options are JSON. */
  #policyOf(scaling: flink.FlinkScaling): ScalingPolicy {
    try {
      return policyOf(scaling, this.#pluginDirectory);
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
      const description = `Options are not JSON: ${error.message}.`;
      throw scalingRefused([{ field: 'scaling', description }]);
    }
  }
}

async function faultsOf(
  { strategy, vetoes }: ScalingPolicy,
  threads: PluginThreadOptions,
): Promise<FieldViolation[]> {
  const all = await Promise.all([
    strategyFaults(new StrategyRunner(strategy, threads)),
    ...vetoes.map((veto, i) => vetoFaults(`scaling.vetoes[${i}]`, new VetoRunner(veto, threads))),
  ]);
  return all.flat();
}

/** One that is slow to load is not wrong. */
async function strategyFaults(strategy: StrategyRunner): Promise<FieldViolation[]> {
  await using runner = strategy;
  const described = await runner.describe();
  const isWrong = 'code' in described && described.code === 'STRATEGY_FAILED';
  return isWrong ? [{ field: 'scaling', description: described.message }] : [];
}

async function vetoFaults(field: string, veto: VetoRunner): Promise<FieldViolation[]> {
  await using runner = veto;
  const described = await runner.describe();
  return 'failed' in described ? [{ field, description: `The veto: ${described.failed}` }] : [];
}
