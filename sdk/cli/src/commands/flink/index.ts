import type { Command } from 'commander';
import type { Runner } from '../../runner.ts';
import { fetchCommand } from './fetch.ts';
import { jobCommands } from './job.ts';
import { logsCommand } from './logs.ts';
import { statusCommand } from './status.ts';
import { topCommand } from './top.ts';
import { upCommand } from './up.ts';

/** flink: Apache Flink on hosts. */
export function flinkCommands(program: Command, run: Runner): void {
  const flink = program.command('flink').description('Apache Flink on hosts');
  upCommand(flink, run);
  statusCommand(flink, run);
  logsCommand(flink, run);
  topCommand(flink, run);
  jobCommands(flink, run);
  fetchCommand(flink, run);
}
