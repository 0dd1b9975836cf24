import type { Subject } from '@tessera/cli';
import { explainCommand } from './explain-command.ts';
import { replayCommand } from './replay-command.ts';
import { simulateCommand } from './simulate-command.ts';

/** scale: how strategies would do on simulated jobs, and what they did on others. None of it needs a platform. */
export const scaleCommands: Subject = (program, run) => {
  const scale = program
    .command('scale')
    .description('judge scaling strategies, and look into what they decided');
  simulateCommand(scale, run);
  replayCommand(scale, run);
  explainCommand(scale, run);
};
