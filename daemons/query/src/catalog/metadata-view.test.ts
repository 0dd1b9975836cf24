import { systemClock } from '@tessera/base';
import { silentLogger } from '@tessera/daemon';
import { expect, test, vi } from 'vitest';
import { FakeMetadata } from '../testing/fake-metadata.ts';
import { MetadataView } from './metadata-view.ts';

const signal = AbortSignal.timeout(60_000);

test('reads every collection again when asked to, at whatever revision', async () => {
  const metadata = new FakeMetadata();
  await using view = new MetadataView(metadata.client, systemClock, silentLogger);
  await view.ready();
  metadata.put('sources', { name: 'projects/p/sources/s' });
  metadata.put('models', { name: 'projects/p/models/m' });
  metadata.put('cubes', { name: 'projects/p/cubes/c' });
  await view.refresh(signal);
  const found = (['sources', 'models', 'cubes'] as const).map(
    (collection) => view.all(collection, 'p').length,
  );
  expect(found).toEqual([1, 1, 1]);
});

test('takes what a watch tells of a change that was listed already for no change', async () => {
  const metadata = new FakeMetadata();
  await using view = new MetadataView(metadata.client, systemClock, silentLogger);
  await view.ready();
  metadata.put('models', { name: 'projects/p/models/m' });
  await view.refresh(signal);
  const { version } = view;
  metadata.put('cubes', { name: 'projects/p/cubes/c' });
  await expect.poll(() => view.all('cubes', 'p').length).toBe(1);
  expect(view.version).toBe(version + 1);
});

test('is not waited for longer than the signal says, and fails with its reason', async () => {
  const metadata = new FakeMetadata();
  const { client } = metadata;
  await using view = new MetadataView(client, systemClock, silentLogger);
  await view.ready();
  const asked = Promise.withResolvers<void>();
  vi.spyOn(client.sources, 'listSources').mockImplementation((_, options) => {
    asked.resolve();
    const ended = new Error('was cancelled by its caller');
    return new Promise((_, reject) =>
      options?.signal?.addEventListener('abort', () => reject(ended)),
    );
  });
  const late = new AbortController();
  const refreshed = view.refresh(late.signal);
  await asked.promise;
  const reason = new Error('too late');
  late.abort(reason);
  await expect(refreshed).rejects.toBe(reason);
});
