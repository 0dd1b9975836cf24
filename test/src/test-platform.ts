import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { applyResources, readResources } from '@tessera/cli';
import { type TesseraClient, wait } from '@tessera/client';
import { type longrunning, scheduler } from '@tessera/proto';
import { platformDefaults, startPlatform } from '@tessera/standalone';

const mega = 1024 * 1024;

export interface TestPlatform extends AsyncDisposable {
  /** All services, in process. */
  readonly client: TesseraClient;
  readonly address: string;
  /** A folder of its own, gone at the end. */
  readonly directory: string;
}

/** The whole platform in this process, small, on a free port, over a folder that goes with it. */
export async function startTestPlatform(
  settings: { readonly cuboidMemoryBytes?: number } = {},
): Promise<TestPlatform> {
  const directory = mkdtempSync(join(tmpdir(), 'tessera-test-'));
  await using stack = new AsyncDisposableStack();
  stack.defer(() => rmSync(directory, { recursive: true, force: true }));
  const platform = stack.use(
    await startPlatform({
      ...platformDefaults,
      dataDirectory: join(directory, 'data'),
      address: '127.0.0.1:0',
      cuboidMemoryBytes: 128 * mega,
      buildMemoryBytes: 256 * mega,
      queryMemoryBytes: 256 * mega,
      maintenanceIntervalMs: 0,
      ...settings,
    }),
  );
  const running = stack.move();
  return {
    client: platform.client,
    address: platform.address,
    directory,
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}

/** Applies a file of resources; relative paths in it start from its folder. */
export async function applyFile(
  client: TesseraClient,
  file: string,
  project = 'default',
): Promise<void> {
  const baseDirectory = dirname(resolve(file));
  await applyResources(client, readResources([file]), { project, baseDirectory });
}

/** Starts a build of all that is missing and waits for its end. */
export async function buildAll(
  client: TesseraClient,
  cube: string,
): Promise<scheduler.BuildSegmentsResponse> {
  const operation = await client.builds.buildSegments({ cube, onlyMissing: true });
  return finished(client, operation, scheduler.BuildSegmentsResponse);
}

/** The response of an operation. @throws its failure */
export function finished<Response>(
  client: TesseraClient,
  operation: longrunning.Operation,
  response: Parameters<typeof wait<Response>>[2]['response'],
): Promise<Response> {
  return wait(client.operations, operation, { response });
}
