import type {
  Measures,
  Moment,
  OraclePlan,
  Scenario,
  SimulatedJob,
  TraceKind,
} from '@tessera/flink-simulator';
import type { CourseRecorder } from '@tessera/simulation-report';

/** Only a report needs it, and it brings fonts and a painter. */
type Reporting = typeof import('@tessera/simulation-report');

export interface Simulated {
  readonly scenario: Scenario;
  readonly plan: OraclePlan;
  readonly trace: TraceKind;
  /** In the order of the command; the first is judged. */
  readonly runs: readonly (readonly [strategy: string, measures: Measures])[];
}

/** What becomes of `--report`: runs are watched as they go on, then written down together. */
export class Report {
  readonly #folder: string;
  readonly #reporting: Reporting;
  readonly #recorders = new Map<string, CourseRecorder>();

  private constructor(folder: string, reporting: Reporting) {
    this.#folder = folder;
    this.#reporting = reporting;
  }

  /** @throws REPORT_UNWRITABLE */
  static async open(folder: string): Promise<Report> {
    const reporting = await import('@tessera/simulation-report');
    await reporting.makeReportFolder(folder);
    return new Report(folder, reporting);
  }

  watch(strategy: string, job: SimulatedJob): (moment: Moment) => void {
    const recorder = new this.#reporting.CourseRecorder(job);
    this.#recorders.set(strategy, recorder);
    return (moment) => recorder.add(moment);
  }

  /** Returns the path of the page. @throws REPORT_UNWRITABLE */
  write({ scenario, plan, trace, runs }: Simulated): Promise<string> {
    const courses = [...this.#recorders].map(([name, recorder]) => [name, recorder.course()]);
    const strategies = [...new Map(runs).keys()];
    const baseline = strategies.slice(1).find((name) => name === 'flink-autoscaler');
    const result = {
      name: trace.name,
      class: trace.class,
      oracle: [plan],
      runs: Object.fromEntries(runs.map(([name, measures]) => [name, [measures]])),
      drawn: this.#reporting.drawnRun(scenario, plan, Object.fromEntries(courses)),
    };
    const title = `${trace.name} on ${scenario.job.name}, simulated`;
    return this.#reporting.writeReport(this.#folder, title, {
      seeds: [scenario.seed],
      strategies,
      ...(baseline !== undefined && { baseline }),
      traces: [result],
    });
  }
}
