import type { Command } from 'commander';
import { readResources } from '../../apply.ts';
import { clusterOfJob, jobOutcome } from '../../flink/outcome.ts';
import {
  jobHeadings,
  jobRow,
  jobText,
  watchedCluster,
  watchedJob,
  watchedJobs,
} from '../../flink-view.ts';
import type { Runner } from '../../runner.ts';
import { type AtOption, atOption } from '../put-file.ts';
import { noFlinkResource } from './errors.ts';
import { type FollowOptions, withFollowOptions } from './follow.ts';
import { jobChangeCommands } from './job-change.ts';
import { savepointCommand } from './job-savepoint.ts';
import { jobVersionCommands } from './job-versions.ts';
import { applyAndFollow } from './up.ts';

interface ApplyOptions extends FollowOptions, AtOption {
  readonly file?: string[];
}

/** flink job: jobs of Flink, from their first start to their last. */
export function jobCommands(flink: Command, run: Runner): void {
  const job = flink.command('job').description('jobs of Flink, their state and their versions');
  listCommand(job, run);
  statusCommand(job, run);
  applyCommand(job, run);
  jobChangeCommands(job, run);
  savepointCommand(job, run);
  jobVersionCommands(job, run);
}

function listCommand(job: Command, run: Runner): void {
  job
    .command('list', { isDefault: true })
    .description('list jobs, how far they are, and what they wait for')
    .argument('[cluster]', 'only those of this cluster')
    .addHelpText('after', '\nExample:\n  tessera flink job list orders\n')
    .action(
      run(async (context, cluster: string | undefined) => {
        const all = await watchedJobs(context.client);
        const found = all.filter((one) => cluster === undefined || clusterOfJob(one) === cluster);
        const mayBeUnknown = cluster !== undefined && found.length === 0;
        if (mayBeUnknown) await watchedCluster(context.client, cluster);
        context.print(jobHeadings, found.map(jobRow), found);
      }),
    );
}

function statusCommand(job: Command, run: Runner): void {
  job
    .command('status')
    .description(
      'what of a job runs, what it goes on from, and what is wrong (exit code 1: it is not as wanted)',
    )
    .argument('<job>')
    .addHelpText('after', '\nExample:\n  tessera flink job status sums\n')
    .action(
      run(async (context, id: string) => {
        const watched = await watchedJob(context.client, id);
        const { wanted } = watched;
        const where = `job ${id} on ${clusterOfJob(watched)}, version ${wanted?.version ?? 'none: it was deleted'}`;
        const text = await jobText(context.client, id);
        context.say(`${where}\n${text.trimEnd()}`, watched);
        if (!jobOutcome(watched).isDone) process.exitCode = 1;
      }),
    );
}

function applyCommand(job: Command, run: Runner): void {
  withFollowOptions(
    job
      .command('apply')
      .description('create or change the jobs of YAML files, and wait until they run')
      .argument('[files...]', 'YAML files; clusters in them are left as they are')
      .option('-f, --file <files...>', 'YAML files')
      .option('--until-stable', 'wait until what is applied has proved stable', false)
      .option(...atOption),
  )
    .addHelpText('after', '\nExample:\n  tessera flink job apply sums.yaml\n')
    .action(
      run(async (context, named: string[], options: ApplyOptions) => {
        const files = [...named, ...(options.file ?? [])];
        const jobs = readResources(files).filter(({ resource }) => resource.kind === 'FlinkJob');
        if (jobs.length === 0) throw noFlinkResource(files, 'FlinkJob');
        await applyAndFollow(context, jobs, options);
      }),
    );
}
