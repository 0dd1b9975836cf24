import { describe, expect, test } from 'vitest';
import { reasonIn } from './last-words.ts';

describe('why a process of Java has ended:', () => {
  test('the two innermost causes of its last trace', () => {
    const log = [
      '2026-11-29 12:00:00,001 ERROR org.apache.flink.ClusterEntrypoint - Could not start.',
      'org.apache.flink.ClusterEntrypointException: Failed to initialize.',
      '\tat org.apache.flink.ClusterEntrypoint.startCluster(ClusterEntrypoint.java:255)',
      "Caused by: java.lang.IllegalArgumentException: Could not parse value 'x' for key 'y'.",
      '\tat org.apache.flink.Configuration.lambda$getOptional$3(Configuration.java:726)',
      'Caused by: java.lang.NumberFormatException: text does not start with a number',
      '\t... 4 more',
      '2026-11-29 12:00:00,050 INFO  org.apache.flink.BlobServer - Stopped BLOB server.',
    ].join('\n');
    expect(reasonIn(log)).toBe(
      "java.lang.IllegalArgumentException: Could not parse value 'x' for key 'y'. Caused by: java.lang.NumberFormatException: text does not start with a number",
    );
    const later = `${log}\njava.lang.Error: another trace\n`;
    expect(reasonIn(later)).toBe('java.lang.Error: another trace');
  });

  test('it may be that its Java could not begin', () => {
    const log = 'Exception in thread "main" java.lang.OutOfMemoryError: Java heap space\n';
    expect(reasonIn(log)).toBe('java.lang.OutOfMemoryError: Java heap space');
  });

  test('it is not known from a log without a trace', () => {
    expect(reasonIn('INFO  org.a.SomeException - handler registered\nDone.\n')).toBeUndefined();
    expect(reasonIn('')).toBeUndefined();
  });
});
