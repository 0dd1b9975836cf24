import { wait } from '@tessera/client';
import { silentLogger } from '@tessera/daemon';
import { scheduler } from '@tessera/proto';
import { startPlatform } from '@tessera/standalone';
import { ask, cube } from '../sales.ts';
import { smallConfig } from '../scratch-platform.ts';

/**
 * A platform that builds where no file may become large, and then answers a question: prints the build's failure and
 * the answer. Run by full-disk.test.ts.
 */
const [folder] = process.argv.slice(2) as [string];
await using platform = await startPlatform(smallConfig(folder), silentLogger);
const { builds, operations } = platform.client;
const operation = await builds.buildSegments({ cube });
const response = scheduler.BuildSegmentsResponse;
const outcome = await wait(operations, operation, { response }).then(
  () => 'built',
  (error: { readonly reason?: string; readonly message: string }) => error.reason ?? error.message,
);
const { rows } = await ask(platform.client, 'select count(*) from sales');
const { segments } = await platform.client.segments.listSegments({ parent: cube });
process.stdout.write(`${JSON.stringify({ outcome, rows, segments: segments.length })}\n`);
