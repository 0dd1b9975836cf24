import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { connect } from '@tessera/client';
import { silentLogger, startServer } from '@tessera/daemon';
import { composeMetadata } from '@tessera/metadata';
import { metadata } from '@tessera/proto';
import { expect, test } from 'vitest';

const entry = join(import.meta.dirname, 'leading-process.ts');

/** A scheduler in another process, and the lines that it has printed. */
class OtherProcess implements Disposable {
  readonly lines: string[] = [];
  readonly #child: ChildProcess;

  constructor(address: string, holder: string) {
    const flags = ['--conditions=tessera-source', '--disable-warning=ExperimentalWarning'];
    const stdio = ['ignore', 'pipe', 'inherit'] as const;
    this.#child = spawn(process.execPath, [...flags, entry, address, holder], {
      stdio: [...stdio],
    });
    this.#child.stdout!.setEncoding('utf8').on('data', (text: string) => {
      this.lines.push(...text.split('\n').filter((line) => line !== ''));
    });
  }

  [Symbol.dispose](): void {
    this.#child.kill('SIGKILL');
  }
}

test('a leader that is killed is followed by another, which goes on where the journal ends', async () => {
  await using stack = new AsyncDisposableStack();
  const daemon = stack.use(await composeMetadata({ store: { driver: 'memory' } }));
  const { services } = daemon;
  const { address } = stack.use(
    await startServer({ address: '127.0.0.1:0', services, log: silentLogger }),
  );
  const clients = stack.use(connect(address));
  const first = stack.use(new OtherProcess(address, 'first'));
  await expect.poll(() => first.lines).toEqual(['leads']);
  const second = stack.use(new OtherProcess(address, 'second'));
  const { name } = await clients.operationRecords.createOperationRecord({
    operationRecordId: 'a',
    operationRecord: {
      kind: 'work',
      target: 'cube',
      state: metadata.OperationState.OPERATION_STATE_PENDING,
    },
  });
  await expect.poll(() => first.lines).toEqual(['leads', 'took first']);
  first[Symbol.dispose]();
  await expect.poll(() => second.lines).toEqual(['leads']);
  await clients.projects.createProject({ projectId: 'go' });
  await expect.poll(() => second.lines).toEqual(['leads', 'took second']);
  const state = async () => (await clients.operationRecords.getOperationRecord({ name })).state;
  await expect.poll(state).toBe(metadata.OperationState.OPERATION_STATE_SUCCEEDED);
});
