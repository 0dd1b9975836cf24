import { Duration, Timestamp } from '@tessera/proto';

/** A moment as microseconds since 1970-01-01 UTC, never as a JavaScript Date. */
export function timestampToProto(micros: bigint): Timestamp {
  const seconds = micros / 1_000_000n - (micros % 1_000_000n < 0n ? 1n : 0n);
  return Timestamp.create({ seconds, nanos: Number(micros - seconds * 1_000_000n) * 1_000 });
}

export function timestampFromProto(message: Timestamp | undefined): bigint | undefined {
  if (message === undefined) return undefined;
  return message.seconds * 1_000_000n + BigInt(Math.trunc(message.nanos / 1_000));
}

/** A span as whole or broken milliseconds. */
export function durationToProto(ms: number): Duration {
  const seconds = Math.trunc(ms / 1_000);
  return Duration.create({
    seconds: BigInt(seconds),
    nanos: Math.round((ms - seconds * 1_000) * 1_000_000),
  });
}

export function durationFromProto(message: Duration | undefined): number | undefined {
  if (message === undefined) return undefined;
  return Number(message.seconds) * 1_000 + message.nanos / 1_000_000;
}
