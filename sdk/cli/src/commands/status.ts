import { resourceIdOf } from '@tessera/base';
import { metadata } from '@tessera/proto';
import type { Command } from 'commander';
import { findDegraded } from '../health/find-degraded.ts';
import { observePlatform, type PlatformReport } from '../health/observe-platform.ts';
import { connectTo } from '../host-connection.ts';
import type { Runner } from '../runner.ts';
import { storageNodeTable } from '../storage-node-view.ts';
import { formatBytes, formatCount } from '../table.ts';

/** status: the cubes of a project at a glance, and what is not as it should be. */
export function statusCommand(program: Command, run: Runner): void {
  program
    .command('status')
    .description('cubes, segments, memory, running work, and what is degraded and why')
    .addHelpText('after', '\nExample:\n  tessera status\n')
    .action(
      run(async (context) => {
        const report = await observePlatform(context.client, context.project, (host) =>
          connectTo(context, host),
        );
        const degraded = findDegraded(report.observed);
        const rows = rowsOf(report);
        const { stats, queries } = report;
        context.print(['CUBE', 'SEGMENTS', 'STALE', 'ROWS', 'BYTES'], rows, {
          cubes: rows,
          stats,
          queries,
          replication: report.replication,
          hosts: report.observed.hosts,
          deployments: report.observed.deployments,
          store: report.store,
          degraded,
          refused: report.refused,
        });
        if (context.options.json) return;
        const memory =
          stats === undefined
            ? 'memory unknown'
            : `in memory ${formatBytes(stats.memoryBytes)} of ${formatBytes(stats.memoryBudgetBytes)}`;
        const running = queries === undefined ? unknown : String(queries.length);
        context.terminal.out(`${memory}; ${running} queries running\n`);
        if (report.store !== undefined) context.terminal.out(`${storeText(report.store)}\n`);
        const nodes = report.replication?.nodes ?? [];
        if (nodes.length > 0) context.terminal.out(`\n${storageNodeTable(nodes)}\n`);
        const { hosts } = report.observed;
        if (hosts.length > 0) {
          const alive = hosts.filter(({ isAlive }) => isAlive).length;
          context.terminal.out(`${alive} of ${hosts.length} hosts alive\n`);
        }
        const lines = degraded.map(
          ({ reason, subject, message }) => `  ${reason} ${subject}: ${message}\n`,
        );
        const { refused } = report;
        const nothing = `nothing ${refused.length === 0 ? '' : 'that you may see '}is degraded\n`;
        context.terminal.out(lines.length === 0 ? nothing : `degraded:\n${lines.join('')}`);
        if (refused.length > 0) {
          context.terminal.out(`not shown:\n${refused.map((why) => `  ${why}\n`).join('')}`);
        }
      }),
    );
}

/** What stands where the caller may not see, or nobody could say. */
const unknown = '?';

function storeText({ driver, sizeBytes, installation }: metadata.GetStoreStatusResponse): string {
  const id = installation === undefined ? '' : `; installation ${installation.id}`;
  return `metadata in ${driver}, ${formatBytes(sizeBytes)}${id}`;
}

function rowsOf({ cubes, segments, freshness }: PlatformReport): string[][] {
  const ready = segments?.filter(
    ({ state }) => state === metadata.SegmentState.SEGMENT_STATE_READY,
  );
  return cubes.map(({ name }) => {
    if (ready === undefined) return [resourceIdOf(name), ...Array<string>(4).fill(unknown)];
    const own = ready.filter((segment) => segment.name.startsWith(`${name}/`));
    const sum = (pick: (segment: metadata.Segment) => bigint) =>
      own.reduce((total, segment) => total + pick(segment), 0n);
    return [
      resourceIdOf(name),
      String(own.length),
      freshness === undefined
        ? unknown
        : String(own.filter((s) => freshness.get(s.name)?.freshness === 'stale').length),
      formatCount(sum(({ sourceRows }) => sourceRows)),
      formatBytes(
        sum(({ layouts }) => layouts.reduce((total, { sizeBytes }) => total + sizeBytes, 0n)),
      ),
    ];
  });
}
