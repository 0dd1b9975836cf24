import { type CallOptions, ChannelCredentials, createChannel, createClient } from 'nice-grpc';
import {
  type AuthClient,
  AuthDefinition,
  type KVClient,
  KVDefinition,
  type LeaseClient,
  LeaseDefinition,
  type MaintenanceClient,
  MaintenanceDefinition,
  type WatchClient,
  WatchDefinition,
} from '../../gen/etcd.ts';
import { etcdPlaintextRefused } from './errors.ts';
import type { EtcdTls } from './options.ts';

/** etcd's services at one endpoint. */
export interface EtcdClient {
  readonly endpoint: string;
  readonly kv: KVClient;
  readonly watch: WatchClient;
  readonly lease: LeaseClient;
  readonly maintenance: MaintenanceClient;
  readonly auth: AuthClient;
  close(): void;
}

export type EtcdCallOptions = CallOptions;

const loopback = /^http:\/\/(127\.\d{1,3}\.\d{1,3}\.\d{1,3}|localhost|\[::1\])(:\d{1,5})?\/?$/;

/**
 * The connection is made when first needed and again when it was lost.
 * @throws PLAINTEXT_REFUSED when the endpoint is neither https nor on this machine.
 */
export function connectEtcd(endpoint: string, tls: EtcdTls = {}): EtcdClient {
  const secure = endpoint.startsWith('https://');
  if (!secure && !loopback.test(endpoint)) throw etcdPlaintextRefused(endpoint);
  const { ca = null, certificate = null, key = null } = tls;
  const credentials = secure
    ? ChannelCredentials.createSsl(ca, key, certificate)
    : ChannelCredentials.createInsecure();
  const channel = createChannel(
    endpoint.replace(/^https?:\/\//, '').replace(/\/$/, ''),
    credentials,
    {
      // What is read is bounded by pages and transactions, not by messages.
      'grpc.max_receive_message_length': -1,
      'grpc.max_send_message_length': -1,
      'grpc.initial_reconnect_backoff_ms': 100,
      'grpc.max_reconnect_backoff_ms': 1_000,
      // etcd by default cuts off who pings more often than every five seconds.
      'grpc.keepalive_time_ms': 10_000,
      'grpc.keepalive_timeout_ms': 2_000,
      'grpc.use_local_subchannel_pool': 1,
    },
  );
  return {
    endpoint,
    kv: createClient(KVDefinition, channel),
    watch: createClient(WatchDefinition, channel),
    lease: createClient(LeaseDefinition, channel),
    maintenance: createClient(MaintenanceDefinition, channel),
    auth: createClient(AuthDefinition, channel),
    close: () => channel.close(),
  };
}
