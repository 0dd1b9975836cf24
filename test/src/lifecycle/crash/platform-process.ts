import { silentLogger } from '@tessera/daemon';
import { startPlatform } from '@tessera/standalone';
import { between } from '../between.ts';
import { smallConfig } from '../scratch-platform.ts';
import { crashPoints, isCrashPoint } from './crash-points.ts';
import { doWork, type Work } from './work.ts';

/** A platform that builds, merges or plans and kills itself with SIGKILL at the n-th point; run by crashes.test.ts. */
const [folder, kind, at] = process.argv.slice(2) as [string, Work, string];
let passed = 0;
const platform = await startPlatform(smallConfig(folder), silentLogger, {
  schedulerClients: (client) =>
    between(client, crashPoints, (moment) => {
      if (!isCrashPoint(moment)) return;
      if (passed === Number(at)) process.kill(process.pid, 'SIGKILL');
      passed++;
    }),
});
await doWork(platform.client, kind);
await platform[Symbol.asyncDispose]();
process.stdout.write(`${passed}\n`);
