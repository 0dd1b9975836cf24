/** What is wanted of a Flink job. */
export interface FlinkJobSpec {
  /** The cluster that it runs on. */
  readonly cluster: string;
  readonly program: FlinkProgram;
  readonly parallelism: number;
  /** Keys of Flink for this job alone. */
  readonly configuration?: Readonly<Record<string, string>>;
  /** How it is stopped for an upgrade. Never without state. */
  readonly upgradeMode: UpgradeMode;
  readonly state: 'running' | 'suspended';
  /** Return to the last spec that proved stable when this one does not become so. */
  readonly rollback: boolean;
  /** State of a job that ran elsewhere, to begin with. Only the first start looks at it. */
  readonly initialSavepoint?: string;
  /** State that no operator takes any more may be dropped at a restore. */
  readonly allowNonRestoredState?: boolean;
}

/** `savepoint`: stop with a savepoint. `last-state`: cancel, and go on from the newest checkpoint. */
export type UpgradeMode = 'savepoint' | 'last-state';

export type FlinkProgram =
  | {
      readonly kind: 'jar';
      /** Digest of the file. */
      readonly jar: string;
      readonly entryClass?: string;
      readonly arguments?: readonly string[];
    }
  | { readonly kind: 'sql'; readonly script: string };
