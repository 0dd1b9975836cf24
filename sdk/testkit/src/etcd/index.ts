/** A real etcd for tests: Debian's package, on this machine only. */
export {
  type EtcdMember,
  type EtcdServers,
  type EtcdServersOptions,
  etcdProgram,
  startEtcd,
} from './etcd.ts';
