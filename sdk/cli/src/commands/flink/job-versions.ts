import { type Page, pages, type TesseraClient } from '@tessera/client';
import type { flink } from '@tessera/proto';
import type { Command } from 'commander';
import { wholeNumber } from '../../arguments.ts';
import { jobName } from '../../flink/job-name.ts';
import { isSameProgram } from '../../flink/outcome.ts';
import { flinkJobFromProto } from '../../flink-resources.ts';
import { timeText } from '../../host-view.ts';
import type { Runner } from '../../runner.ts';
import { changesOf } from '../../version-changes.ts';
import { noOlderVersion } from './errors.ts';
import { checkFollow, type FollowOptions, withFollowOptions } from './follow.ts';
import { followJob } from './job-change.ts';

interface RollbackOptions extends FollowOptions {
  readonly toVersion?: string;
}

/** flink job history, rollback: versions of a job, and going back. */
export function jobVersionCommands(job: Command, run: Runner): void {
  job
    .command('history')
    .description('list the versions of a job, newest first')
    .argument('<job>')
    .addHelpText('after', '\nExample:\n  tessera flink job history sums\n')
    .action(
      run(async (context, id: string) => {
        const versions = await versionsOf(context.client, id);
        const resources = versions.map(flinkJobFromProto);
        context.print(
          ['VERSION', 'WRITTEN', 'CHANGES'],
          versions.map(({ version, updateTime }, i) => [
            String(version),
            timeText(updateTime),
            changesOf(versions, resources, i),
          ]),
          versions,
        );
      }),
    );

  withFollowOptions(
    job
      .command('rollback')
      .description(
        'make what an older version says wanted again, as a new version; the job goes on from its newest state',
      )
      .argument('<job>')
      .option(
        '--to, --to-version <version>',
        'default: the newest one with another program or size',
      )
      .option('--until-stable', 'wait until it has proved stable', false),
  )
    .addHelpText('after', '\nExample:\n  tessera flink job rollback sums --to-version 3\n')
    .action(
      run(async (context, id: string, options: RollbackOptions) => {
        checkFollow(options);
        const { toVersion } = options;
        const versions = await versionsOf(context.client, id);
        const version =
          toVersion === undefined
            ? previousOf(id, versions)
            : BigInt(wholeNumber(toVersion, '--to-version', { min: 1 }));
        const { flinkJobs } = context.client;
        const name = jobName(id);
        const { etag } = await flinkJobs.getFlinkJob({ name });
        const written = await flinkJobs.rollbackFlinkJob({ name, version, etag });
        await followJob(context, id, written, options);
      }),
    );
}

/** The newest version before the present one that says something else than whether the job runs. @throws FLINK_NO_OLDER_VERSION */
function previousOf(id: string, [newest, ...older]: readonly flink.FlinkJob[]): bigint {
  const found = older.find(({ spec }) => !spec?.suspended && !isSameProgram(spec, newest?.spec));
  if (found === undefined) throw noOlderVersion(id);
  return found.version;
}

/** Newest first. @throws FLINK_JOB_NOT_FOUND */
function versionsOf({ flinkJobs }: TesseraClient, id: string): Promise<flink.FlinkJob[]> {
  const name = jobName(id);
  const read = async (pageToken: string): Promise<Page<flink.FlinkJob>> => {
    const page = await flinkJobs.listFlinkJobVersions({ name, pageSize: 1000, pageToken });
    return { items: page.flinkJobs, nextPageToken: page.nextPageToken };
  };
  return Array.fromAsync(pages(read));
}
