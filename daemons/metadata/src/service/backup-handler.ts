import type { Clock, KeyValueStore } from '@tessera/base';
import type { metadata } from '@tessera/proto';
import { createBackup } from '../backup/backup.ts';
import { restoreBackup } from '../backup/restore.ts';
import { badRequest } from '../errors.ts';

export function backupHandler(
  store: KeyValueStore,
  clock: Clock,
): metadata.BackupServiceImplementation {
  return {
    async *createBackup() {
      const backup = createBackup(store, clock);
      for (;;) {
        const { done, value } = await backup.next();
        if (done) return yield { content: { $case: 'summary', value } };
        yield { content: { $case: 'chunk', value } };
      }
    },
    restoreBackup: async (requests) => {
      const messages = requests[Symbol.asyncIterator]();
      const first = (await messages.next()).value?.content;
      if (first?.$case !== 'options') throw badRequest('options', 'must come first.');
      const { summary, revision, replacedCount } = await restoreBackup(
        store,
        chunksOf(messages),
        first.value,
      );
      return { summary, revision, replacedCount: BigInt(replacedCount) };
    },
  };
}

async function* chunksOf(
  messages: AsyncIterator<metadata.RestoreBackupRequest>,
): AsyncGenerator<Uint8Array> {
  for (;;) {
    const { done, value } = await messages.next();
    if (done) return;
    if (value.content?.$case !== 'chunk') throw badRequest('chunk', 'must follow the options.');
    yield value.content.value;
  }
}
