/** Bounds of what a user may write, each refused with its own reason. */
export const limits = {
  /** Characters of one YAML file. */
  yamlCharacters: 1 << 20,
  /** Nodes of one YAML file after aliases are expanded. */
  yamlNodes: 100_000,
  /** Maps and lists inside each other. */
  yamlDepth: 32,
  /** Violations that are reported at once; more only cost the reader time. */
  violations: 100,
  /** Characters of one SQL expression in a model. */
  expressionCharacters: 10_000,
  dimensions: 256,
  measures: 512,
  joins: 64,
  groups: 64,
  /** Cuboids of one cube: each is a file per segment. */
  cuboids: 4_096,
  /** Daemons of one deployment. */
  daemons: 100,
  /** Processes of one Flink cluster. */
  flinkProcesses: 2_000,
  /** Processors of one process of Flink. */
  flinkCpus: 1_000,
  /** Segments of one cube that an extent may give. */
  segments: 20_000,
  /** Storage nodes that hold one segment. */
  replication: 16,
} as const;
