import { describe, expect, test } from 'vitest';
import { parseMetadataConfig } from './config.ts';

const etcd = { driver: 'etcd', endpoints: ['http://127.0.0.1:2379'] };

describe('the configuration', () => {
  test('of a store on etcd has what etcd needs, with defaults for the rest', () => {
    expect(parseMetadataConfig({ store: etcd }).store).toEqual({
      ...etcd,
      prefix: 'tessera',
      tls: {},
    });
  });

  test.each([
    [{}, 'store'],
    [{ store: { driver: 'redis' } }, 'store.driver'],
    [{ store: { driver: 'sqlite' } }, 'store.file'],
    [{ store: { driver: 'etcd' } }, 'store.endpoints'],
    [{ store: { ...etcd, endpoints: [] } }, 'store.endpoints'],
    [{ store: { ...etcd, endpoints: ['127.0.0.1:2379'] } }, 'store.endpoints.0'],
    [{ store: { ...etcd, prefix: '/tessera/' } }, 'store.prefix'],
    [{ store: { ...etcd, user: 'me' } }, 'store'],
    [{ store: { ...etcd, username: 'me' } }, 'store.username'],
    [{ store: { ...etcd, tls: { keyFile: 'key.pem' } } }, 'store.tls.keyFile'],
    [{ store: { driver: 'memory' }, compaction: { intervalMs: 1 } }, 'compaction.intervalMs'],
  ])('%j is refused at %s', (config, field) => {
    expect(() => parseMetadataConfig(config)).toThrow(
      expect.objectContaining({
        reason: 'METADATA_CONFIG_INVALID',
        violations: [expect.objectContaining({ field })],
      }),
    );
  });
});
