import { BinaryReader } from '@bufbuild/protobuf/wire';
import { Server, ServerCredentials } from '@grpc/grpc-js';

/** A span as it came over the wire. */
export interface CollectedSpan {
  readonly traceId: string;
  readonly spanId: string;
  /** Empty: a root. */
  readonly parentSpanId: string;
  readonly name: string;
}

export interface Collector extends AsyncDisposable {
  readonly endpoint: string;
  readonly spans: readonly CollectedSpan[];
}

/** A collector of OTLP over gRPC that keeps what it gets. */
export async function startCollector(): Promise<Collector> {
  const spans: CollectedSpan[] = [];
  const server = new Server();
  const plain = (bytes: Buffer) => bytes;
  const method = {
    path: '/opentelemetry.proto.collector.trace.v1.TraceService/Export',
    requestStream: false,
    responseStream: false,
    ...{ requestSerialize: plain, requestDeserialize: plain },
    ...{ responseSerialize: plain, responseDeserialize: plain },
  };
  server.addService(
    { export: method },
    {
      export: (call: { request: Buffer }, done: (error: null, response: Buffer) => void) => {
        spans.push(...spansOf(call.request));
        done(null, Buffer.alloc(0));
      },
    },
  );
  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    ),
  );
  return {
    endpoint: `http://127.0.0.1:${port}`,
    spans,
    async [Symbol.asyncDispose]() {
      server.forceShutdown();
    },
  };
}

/** Field numbers of opentelemetry.proto.trace.v1: what is needed of it. */
function spansOf(request: Uint8Array): CollectedSpan[] {
  return fieldsOf(request, 1)
    .flatMap((resource) => fieldsOf(resource, 2))
    .flatMap((scope) => fieldsOf(scope, 2))
    .map((span) => ({
      traceId: hexOf(span, 1),
      spanId: hexOf(span, 2),
      parentSpanId: hexOf(span, 4),
      name: Buffer.from(fieldsOf(span, 5)[0] ?? []).toString(),
    }));
}

function hexOf(message: Uint8Array, field: number): string {
  return Buffer.from(fieldsOf(message, field)[0] ?? []).toString('hex');
}

/** The values of a field of bytes, text or messages. */
function fieldsOf(message: Uint8Array, field: number): Uint8Array[] {
  const reader = new BinaryReader(message);
  const found: Uint8Array[] = [];
  while (reader.pos < reader.len) {
    const [number, wireType] = reader.tag();
    if (number === field && wireType === 2) found.push(reader.bytes());
    else reader.skip(wireType);
  }
  return found;
}
