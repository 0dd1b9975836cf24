import { isResourceId, isTesseraError } from '@tessera/base';
import { Faults } from './faults.ts';

/** Of one cluster or job. */
const bounds = { keys: 500, keyCharacters: 200, configurationCharacters: 100_000 } as const;

/** Faults of what is wanted of Flink, with the reasons of those that have one. */
export class FlinkFaults extends Faults {
  readonly #reasons = new Set<string>();

  /** Sorted; beside the faults themselves, for programs. */
  get reasons(): string[] {
    return [...this.#reasons].sort();
  }

  addWithReason(reason: string, field: string, description: string): void {
    this.#reasons.add(reason);
    this.add(field, description);
  }

  /** What `compute` throws is a fault of the field, or of what `fieldOf` makes of the error's key. */
  computed(field: string, compute: () => unknown, fieldOf: (key: string) => string): void {
    try {
      compute();
    } catch (error) {
      if (!isTesseraError(error)) throw error;
      const part = fieldOf(error.metadata['key'] ?? '');
      this.addWithReason(error.reason, part === '' ? field : `${field}.${part}`, error.message);
    }
  }

  artifact(field: string, name: string, what: string): void {
    if (/^artifacts\/[0-9a-f]{64}$/.test(name)) return;
    this.addWithReason(
      'FLINK_ARTIFACT_INVALID',
      field,
      `must be artifacts/ and a SHA-256; put ${what} with 'tessera artifact put', which tells it.`,
    );
  }

  /** A resource of that collection. */
  resource(field: string, name: string, collection: string): void {
    const [start, id = '', ...rest] = name.split('/');
    if (start === collection && isResourceId(id) && rest.length === 0) return;
    this.add(field, `must be of the form ${collection}/{id}.`);
  }

  location(field: string, uri: string, what: string): void {
    if (/^[a-z][a-z0-9+.-]*:\/\/[^\s]*[^\s/]$/.test(uri)) return;
    this.addWithReason(
      'FLINK_LOCATION_INVALID',
      field,
      `must be a URI such as file:///shared/${what} or s3://bucket/${what}, without a slash at its end.`,
    );
  }

  count(
    field: string,
    count: number,
    { from, to }: { readonly from: number; readonly to: number },
  ) {
    if (count >= from && count <= to) return;
    this.add(field, `is ${count}; it must be ${from} to ${to}.`);
  }

  /** Keys of Flink; those that are `reserved` are computed. */
  configuration(
    configuration: Readonly<Record<string, string>>,
    reserved: (keys: readonly string[]) => readonly string[],
  ): void {
    const keys = Object.keys(configuration);
    if (keys.length > bounds.keys) this.add('configuration', `may be ${bounds.keys} keys at most.`);
    const characters = Object.entries(configuration).flat().join('').length;
    if (characters > bounds.configurationCharacters) {
      this.add('configuration', `may have ${bounds.configurationCharacters} characters at most.`);
    }
    for (const key of keys) {
      if (/^[\w$.-]+$/.test(key) && key.length <= bounds.keyCharacters) continue;
      this.add(`configuration.${key}`, `${JSON.stringify(key)} is not a key of Flink.`);
    }
    for (const key of reserved(keys)) {
      this.addWithReason(
        'FLINK_CONFIGURATION_RESERVED',
        `configuration.${key}`,
        `${key} is computed from what else is said here: leave it out, and say that.`,
      );
    }
  }
}
