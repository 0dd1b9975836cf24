import { renameSync } from 'node:fs';
import { join } from 'node:path';
import type { Clock } from '@tessera/base';
import fc from 'fast-check';
import { type Rows, randomRows } from '../differential/tables.ts';
import type { Oracle, WorldSpec } from '../differential/world.ts';
import type { DataVersions } from './data-versions.ts';
import { loadRestrictedView } from './restricted-user.ts';

/** The files that cubes are built from, and the same data with the oracle, in one version after the other. */
export class SourceData {
  readonly versions: DataVersions;
  readonly #oracle: Oracle;
  readonly #world: string;
  readonly #spec: WorldSpec;
  readonly #folder: string;
  readonly #seed: number;
  readonly #clock: Clock;
  #count = 0;

  /** The first version is there already, of the world's own name. */
  constructor(parts: {
    readonly versions: DataVersions;
    readonly oracle: Oracle;
    readonly world: string;
    readonly spec: WorldSpec;
    readonly folder: string;
    readonly seed: number;
    readonly clock: Clock;
  }) {
    this.versions = parts.versions;
    this.#oracle = parts.oracle;
    this.#world = parts.world;
    this.#spec = parts.spec;
    this.#folder = parts.folder;
    this.#seed = parts.seed;
    this.#clock = parts.clock;
  }

  /** Other rows come to those that were there from the beginning, and the file is replaced in one step. */
  async change(): Promise<void> {
    const number = ++this.#count;
    const schema = `${this.#world}_${number}`;
    const [other] = fc.sample(randomRows, { seed: this.#seed + number, numRuns: 1 }) as [Rows];
    const fact = [...this.#spec.rows['fact']!, ...other['fact']!.slice(0, 40)];
    await this.#oracle.load(schema, { ...this.#spec.rows, fact });
    await loadRestrictedView(this.#oracle, schema);
    const { format } = this.#spec;
    const file = join(this.#folder, `fact.${format}`);
    await this.#oracle.write({ world: schema, table: 'fact', format }, `${file}.next`);
    this.versions.begin(schema, this.#clock.monotonicMs());
    renameSync(`${file}.next`, file);
    this.versions.begun(this.#clock.monotonicMs());
  }
}
