/** Typed clients of the daemons, errors on the wire, and the mapping between messages and domain values. */
export { type Bind, clientsBy, type Services, services, type TesseraClient } from './clients.ts';
export { type Connection, type ConnectOptions, connect } from './connect.ts';
export {
  decodeStatusDetails,
  encodeStatusDetails,
  errorOf,
  statusDetailsKey,
  statusOf,
} from './errors/status-details.ts';
export * from './resources.ts';
