import type { CompatServiceDefinition } from 'nice-grpc';

/** What gRPC puts before each message: whether it is compressed, and its length. */
const prefixBytes = 5;

const sizes = new WeakMap<object, number>();

/** Bytes that a message took on the wire, with gRPC's prefix; 0 for one that was not sent or received by a measured method. */
export function wireBytesOf(message: object): number {
  const size = sizes.get(message);
  return size === undefined ? 0 : size + prefixBytes;
}

/** Makes a message count as what it came or went in. */
export function countAs(part: object, message: object): void {
  const size = sizes.get(message);
  if (size !== undefined) sizes.set(part, size);
}

interface Codec {
  encode(message: object): { finish(): Uint8Array };
  decode(bytes: Uint8Array): object;
  fromPartial(message: object): object;
}

interface Measurable {
  readonly requestType: unknown;
  readonly responseType: unknown;
}

/** The service, with methods whose messages are known by their size after a client has sent or received them. */
export function measuringSizes<Definition extends CompatServiceDefinition>(
  definition: Definition,
  names: readonly string[],
): Definition {
  const { methods } = definition as { readonly methods: Readonly<Record<string, Measurable>> };
  const measured = names.map((name) => {
    const method = methods[name]!;
    const requestType = measuredRequest(method.requestType as Codec);
    const responseType = measuredResponse(method.responseType as Codec);
    return [name, { ...method, requestType, responseType }] as const;
  });
  return { ...definition, methods: { ...methods, ...Object.fromEntries(measured) } };
}

/** What is encoded is a copy of what the caller gave. */
function measuredRequest(codec: Codec): Codec {
  const givenFor = new WeakMap<object, object>();
  return {
    ...codec,
    fromPartial: (given) => {
      const copy = codec.fromPartial(given);
      givenFor.set(copy, given);
      return copy;
    },
    encode: (copy) => {
      const bytes = codec.encode(copy).finish();
      sizes.set(givenFor.get(copy) ?? copy, bytes.length);
      return { finish: () => bytes };
    },
  };
}

function measuredResponse(codec: Codec): Codec {
  return {
    ...codec,
    decode: (bytes) => {
      const message = codec.decode(bytes);
      sizes.set(message, bytes.length);
      return message;
    },
  };
}
