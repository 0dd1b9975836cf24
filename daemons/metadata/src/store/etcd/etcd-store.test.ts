import { type KeyValueStore, systemClock } from '@tessera/base';
import { describeKeyValueStore } from '@tessera/testkit/contracts';
import { type EtcdServers, etcdProgram, startEtcd } from '@tessera/testkit/etcd';
import { afterAll, beforeAll, describe } from 'vitest';
import { openEtcdStore } from './etcd-store.ts';

const installed = etcdProgram() !== undefined;
if (!installed) console.warn('Skipped: etcd is not installed (scripts/install-test-deps.sh).');

describe.skipIf(!installed)('three members of etcd', () => {
  let servers: EtcdServers;
  beforeAll(async () => {
    servers = await startEtcd();
  });
  afterAll(() => servers?.[Symbol.asyncDispose]());

  const open = (): Promise<KeyValueStore> =>
    openEtcdStore({
      endpoints: servers.endpoints,
      prefix: 'contract',
      clock: systemClock,
      // On a busy machine a watch may be late, and a write that was not needed would count as a revision.
      timing: { barrierMs: 30_000 },
    });

  describeKeyValueStore('etcd', {
    clock: { ...systemClock, advance: (durationMs) => systemClock.sleep(durationMs) },
    open,
    reopen: async (store) => {
      await store.close();
      return open();
    },
  });
});
