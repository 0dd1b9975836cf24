/** What one look at a job under load and at its hosts shows. */
export interface Sample {
  /** Since the load began. */
  readonly seconds: number;
  /** Absent: no JobManager tells of it. */
  readonly job?: JobSample;
  /** Slots of all TaskManagers whose processes run. */
  readonly providedSlots: number;
  /** Of those that the JobManager knows; absent: it does not tell. */
  readonly registeredSlots?: number;
}

export interface JobSample {
  /** Subtasks that cost something. */
  readonly workers: number;
  /** That it takes: the subtasks of the widest vertex. */
  readonly slots: number;
  /** What is asked of Flink for `slots`; absent: not told. */
  readonly wanted?: number;
  /** Whether every subtask runs. */
  readonly isRunning: boolean;
  /** Records in front of the source; absent: not told. */
  readonly backlog?: number;
}
