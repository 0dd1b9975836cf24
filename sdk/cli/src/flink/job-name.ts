/** `flink-jobs/{job}` of an id or a name. */
export function jobName(job: string): string {
  return job.startsWith('flink-jobs/') ? job : `flink-jobs/${job}`;
}
