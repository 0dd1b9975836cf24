import { Code, TesseraError } from '@tessera/base';
import type { CompatServiceDefinition } from 'nice-grpc';
import { ClientError, Status } from 'nice-grpc-common';
import { describe, expect, test } from 'vitest';
import { services } from '../clients.ts';
import { addressesOf } from '../transport/addresses.ts';
import { failureOf, isBrief, isRepeatable, type Method, withRequestId } from './repeating.ts';

const methods = Object.values<CompatServiceDefinition>(services).flatMap((definition) => {
  const { fullName, methods } = definition as unknown as {
    fullName: string;
    methods: Record<string, Method>;
  };
  return Object.values(methods).map((method) => ({ service: fullName, method }));
});
const methodNamed = (name: string) => methods.find(({ method }) => method.name === name)!;

describe('what may be asked twice', () => {
  test('is everything of metadata but what cannot be made idempotent', () => {
    const ofMetadata = methods.filter(({ service }) =>
      /^tessera\.(metadata|coordination|access|flink)\./.test(service),
    );
    const once = ofMetadata.filter(({ method }) => !isRepeatable(method));
    expect(once.map(({ method }) => method.name).sort()).toEqual([
      'CreateApiToken',
      'CreateScalingDecision', // The next sample leads to another one.
      'DeleteScalingDecision',
      'RestoreBackup',
      'RevokeApiToken',
      'UpdateDeploymentStatus', // Whoever writes it looks again soon.
      'UpdateFlinkClusterStatus', // Its etag tells whoever looks again.
      'UpdateFlinkJobScaling', // What it holds is written again with the next sample.
      'UpdateFlinkJobStatus',
    ]);
  });

  test('keeps the request id that it has, and is given one where there is none', () => {
    const { method } = methodNamed('CreateCube');
    expect(withRequestId(method, { requestId: 'mine' }, () => 'new')).toEqual({
      requestId: 'mine',
    });
    expect(withRequestId(method, { cubeId: 'c' }, () => 'new')).toEqual({
      cubeId: 'c',
      requestId: 'new',
    });
    expect(withRequestId(methodNamed('GetCube').method, {}, () => 'new')).toEqual({});
  });

  test.each([
    { name: 'UpdateSegment', brief: true },
    { name: 'RenewLease', brief: true },
    { name: 'WatchSegments', brief: false },
    { name: 'CheckStore', brief: false },
    { name: 'CreateBackup', brief: false },
    { name: 'BuildSegments', brief: false },
  ])('$name must be answered shortly: $brief', ({ name, brief }) => {
    const { service, method } = methodNamed(name);
    expect(isBrief(service, method)).toBe(brief);
  });
});

describe('a failed call', () => {
  const failed = (code: Code, reason: string, cause?: unknown) =>
    new TesseraError({ code, reason, message: 'failed', cause });
  const lost = (details: string) => new ClientError('/s/M', Status.UNAVAILABLE, details);

  test.each([
    {
      error: failed(Code.UNAVAILABLE, 'DAEMON_UNAVAILABLE', lost('No connection established.')),
      failure: 'unreached',
    },
    {
      error: failed(Code.UNAVAILABLE, 'DAEMON_UNAVAILABLE', lost('Connection dropped')),
      failure: 'lost',
    },
    { error: failed(Code.UNAVAILABLE, 'DAEMON_UNRESPONSIVE'), failure: 'unreached' },
    { error: failed(Code.UNAVAILABLE, 'TLS_PEER_EXPIRED'), failure: 'unreached' },
    { error: failed(Code.UNAVAILABLE, 'DAEMON_SILENT'), failure: 'lost' },
    { error: failed(Code.UNAVAILABLE, 'ETCD_UNAVAILABLE'), failure: 'lost' },
    { error: failed(Code.DEADLINE_EXCEEDED, 'WRITE_OUTCOME_UNKNOWN'), failure: 'lost' },
    { error: failed(Code.ABORTED, 'ETAG_MISMATCH'), failure: 'answered' },
    { error: failed(Code.CANCELLED, 'CANCELLED'), failure: 'answered' },
    { error: new TypeError('a mistake'), failure: 'answered' },
  ])('with $error.reason counts as $failure', ({ error, failure }) => {
    expect(failureOf(error)).toBe(failure);
  });
});

describe('addresses', () => {
  test.each([
    { named: 'a:1', addresses: ['a:1'] },
    { named: 'a:1, b:2,', addresses: ['a:1', 'b:2'] },
    { named: ['a:1,b:2', 'a:1', 'c:3'], addresses: ['a:1', 'b:2', 'c:3'] },
  ])('of $named', ({ named, addresses }) => {
    expect(addressesOf(named)).toEqual(addresses);
  });

  test('are refused when there is none', () => {
    expect(() => addressesOf([' ,'])).toThrow(expect.objectContaining({ reason: 'NO_ADDRESS' }));
  });
});
