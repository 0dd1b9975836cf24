/** Which daemons run on which hosts, as YAML. */
export interface DeploymentResource {
  readonly kind: 'Deployment';
  readonly name: string;
  readonly spec: {
    /** In the order in which they are changed. */
    readonly daemons: readonly DeployedDaemon[];
    /** True: nothing is started or stopped. */
    readonly paused: boolean;
  };
}

export interface DeployedDaemon {
  readonly name: string;
  /** Absent: all. */
  readonly hosts?: {
    readonly labels?: Readonly<Record<string, string>>;
    readonly racks?: readonly string[];
    /** Ids. */
    readonly hosts?: readonly string[];
    /** At most so many, the first by name. */
    readonly limit?: number;
  };
  /** The program and its arguments. */
  readonly argv: readonly string[];
  /** Its configuration: `--name value`; `true`: `--name` alone; of a list each. */
  readonly options?: Readonly<Record<string, OptionValue>>;
  readonly environment?: Readonly<Record<string, string>>;
  /** Where it answers whether it serves. */
  readonly healthAddress?: string;
  readonly artifacts?: readonly {
    /** SHA-256. */
    readonly artifact: string;
    /** Relative to its working directory. */
    readonly path: string;
    /** True: as a folder with what is packed in it. Absent: as it is. */
    readonly unpack?: boolean;
  }[];
  /** Configuration files that are written into its working directory. */
  readonly files?: readonly {
    readonly path: string;
    readonly content: string;
  }[];
  /** Of its program, for people. */
  readonly version?: string;
  /** How many may be down at once because of a change. Absent: one. */
  readonly maxUnavailable?: number;
  /** How long each may take to end, such as `10s`. */
  readonly gracePeriod?: string;
}

export type OptionValue = string | number | true | readonly (string | number)[];
