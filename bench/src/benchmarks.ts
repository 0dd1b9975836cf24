import type { Benchmark } from './benchmark.ts';
import { buildBenchmark } from './build/build-benchmark.ts';
import { clusterBenchmark } from './cluster/cluster-benchmark.ts';
import { flinkDeployBenchmark } from './flink-deploy/flink-deploy-benchmark.ts';
import { flinkPassBenchmark } from './flink-pass/flink-pass-benchmark.ts';
import { metadataBenchmark } from './metadata/metadata-benchmark.ts';
import { overloadBenchmark } from './overload/overload-benchmark.ts';
import { placementFlinkBenchmark } from './placement-flink/placement-flink-benchmark.ts';
import { placementBenchmark } from './placement-segments/placement-benchmark.ts';
import { planBenchmark } from './plan/plan-benchmark.ts';
import { recoverBenchmark } from './recover/recover-benchmark.ts';
import { replicasBenchmark } from './replicas/replicas-benchmark.ts';
import { scaleRealBenchmark } from './scale-real/scale-real-benchmark.ts';
import { scaleSimBenchmark } from './scale-sim/scale-sim-benchmark.ts';
import { ssbBenchmark } from './ssb/ssb-benchmark.ts';
import { startBenchmark } from './start/start-benchmark.ts';

/** Every benchmark that `npm run bench` knows. */
export const benchmarks: readonly Benchmark[] = [
  buildBenchmark,
  clusterBenchmark,
  flinkDeployBenchmark,
  flinkPassBenchmark,
  metadataBenchmark,
  overloadBenchmark,
  placementBenchmark,
  placementFlinkBenchmark,
  planBenchmark,
  recoverBenchmark,
  replicasBenchmark,
  scaleRealBenchmark,
  scaleSimBenchmark,
  ssbBenchmark,
  startBenchmark,
];
