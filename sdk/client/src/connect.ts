import { tracesClientCalls } from '@tessera/telemetry';
import { createChannel, createClientFactory } from 'nice-grpc';
import { clientsBy, type TesseraClient } from './clients.ts';
import { failuresAsTesseraErrors } from './errors/failure-middleware.ts';
import { plaintextRefused } from './errors.ts';

export interface Connection extends TesseraClient, Disposable {
  readonly address: string;
  close(): void;
}

export interface ConnectOptions {
  /** Largest message in either direction, bytes. */
  readonly maxMessageBytes?: number;
}

const defaultMaxMessageBytes = 64 * 1024 * 1024;
const loopback = /^(127\.\d{1,3}\.\d{1,3}\.\d{1,3}|localhost|\[::1\]):\d{1,5}$/;

/**
 * Clients over gRPC. The connection is made when first needed and again when it is lost.
 * @throws PLAINTEXT_REFUSED when the address is not `host:port` of a loopback interface.
 */
export function connect(address: string, options: ConnectOptions = {}): Connection {
  if (!loopback.test(address)) throw plaintextRefused(address);
  const limit = options.maxMessageBytes ?? defaultMaxMessageBytes;
  const channel = createChannel(address, undefined, {
    'grpc.max_receive_message_length': limit,
    'grpc.max_send_message_length': limit,
  });
  const factory = createClientFactory().use(failuresAsTesseraErrors).use(tracesClientCalls);
  const close = () => channel.close();
  const clients = clientsBy((definition) => factory.create(definition, channel));
  return Object.defineProperties({} as Connection, {
    ...Object.getOwnPropertyDescriptors(clients),
    address: { value: address },
    close: { value: close },
    [Symbol.dispose]: { value: close },
  });
}
