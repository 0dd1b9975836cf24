import { wait } from '@tessera/client';
import { silentLogger } from '@tessera/daemon';
import { scheduler } from '@tessera/proto';
import { startPlatform } from '@tessera/standalone';
import { between } from '../between.ts';
import { cube } from '../sales.ts';
import { smallConfig } from '../scratch-platform.ts';
import { crashPoints, isCrashPoint } from './crash-points.ts';

/** A platform that builds (or merges) and kills itself with SIGKILL at the n-th point; run by crashes.test.ts. */
const [folder, kind, at] = process.argv.slice(2) as [string, 'build' | 'merge', string];
let passed = 0;
const platform = await startPlatform(smallConfig(folder), silentLogger, {
  schedulerClients: (client) =>
    between(client, crashPoints, (moment) => {
      if (!isCrashPoint(moment)) return;
      if (passed === Number(at)) process.kill(process.pid, 'SIGKILL');
      passed++;
    }),
});
const { builds, operations } = platform.client;
const operation =
  kind === 'build'
    ? await builds.buildSegments({ cube })
    : await builds.mergeSegments({
        cube,
        segments: ['2024-01', '2024-02'].map((id) => `${cube}/segments/${id}`),
      });
await wait(operations, operation, { response: scheduler.BuildSegmentsResponse });
await platform[Symbol.asyncDispose]();
process.stdout.write(`${passed}\n`);
