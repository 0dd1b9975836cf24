import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { committedFiles } from './committed-lines.ts';

/** How many keys the lines are spread over. */
const keys = 5;
/** Added to the counts of lines after a change of the script. */
const mark = 1_000;

/** A line that a job has written: its number, its key, and how many of that key there were until then. */
export type CountedLine = readonly [id: number, key: number, count: number];

/**
 * Numbered lines in a folder that a job in SQL reads as they come, and writes again, each with the running count of its key. The counts are the job's state: what it writes tells whether a line was lost or doubled, and whether
 * state was. Lines of one key are read in their order.
 */
export class CountedLines {
  readonly #folder: string;
  #written = 0;
  #markedFrom = Number.POSITIVE_INFINITY;

  constructor(folder: string) {
    this.#folder = folder;
    for (const name of ['in', 'out', 'sums', 'all', 'staging']) {
      mkdirSync(join(folder, name), { recursive: true });
    }
  }

  /** Of the script: the tables. */
  tables(input = "'source.monitor-interval' = '100 ms'"): string {
    return `
      CREATE TABLE numbered (id INT, k INT, seen AS PROCTIME()) WITH (
        'connector' = 'filesystem', 'path' = '${this.#url('in')}', 'format' = 'csv', ${input});
      CREATE TABLE counted (id INT, k INT, n BIGINT) WITH (
        'connector' = 'filesystem', 'path' = '${this.#url('out')}', 'format' = 'csv',
        'sink.rolling-policy.rollover-interval' = '200 ms', 'sink.rolling-policy.check-interval' = '50 ms');`;
  }

  script(): string {
    const count = Number.isFinite(this.#markedFrom) ? `n + ${mark}` : 'n';
    return `${this.tables()}
      -- A count that goes on; its state has to be there after each start.
      INSERT INTO counted SELECT id, k, ${count} FROM (
        SELECT id, k, COUNT(*) OVER (PARTITION BY k ORDER BY seen ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS n
        FROM numbered);`;
  }

  /** What is there once: sums by key, and how many lines there are. */
  batchScript(): string {
    return `
      SET 'execution.runtime-mode' = 'batch';
      ${this.tables("'csv.ignore-parse-errors' = 'false'")}
      CREATE TABLE sums (k INT, s BIGINT) WITH (
        'connector' = 'filesystem', 'path' = '${this.#url('sums')}', 'format' = 'csv');
      CREATE TABLE alltogether (n BIGINT) WITH (
        'connector' = 'filesystem', 'path' = '${this.#url('all')}', 'format' = 'csv');
      BEGIN STATEMENT SET;
      INSERT INTO sums SELECT k, SUM(CAST(id AS BIGINT)) FROM numbered GROUP BY k;
      INSERT INTO alltogether SELECT COUNT(*) FROM numbered;
      END;`;
  }

  /** Whole or not at all: a job that lists the folder sees no half file. */
  add(count: number): void {
    const added = Array.from({ length: count }, (_, i) => this.#written + i);
    const name = `${this.#written}.csv`;
    const staged = join(this.#folder, 'staging', name);
    writeFileSync(staged, added.map((id) => `${id},${id % keys}\n`).join(''));
    renameSync(staged, join(this.#folder, 'in', name));
    this.#written += count;
  }

  /** The script marks counts of lines that are added from now on. */
  markFromNowOn(): void {
    this.#markedFrom = this.#written;
  }

  /** What was committed, by number of the line. */
  counted(): readonly CountedLine[] {
    const all = this.#read('out').map(
      ([id = -1, key = -1, count = -1]) => [id, key, count] as const,
    );
    return all.sort(([one], [other]) => one - other);
  }

  /** What has to be committed in the end. */
  expected(): readonly CountedLine[] {
    return Array.from({ length: this.#written }, (_, id): CountedLine => {
      const count = Math.floor(id / keys) + 1;
      return [id, id % keys, id < this.#markedFrom ? count : count + mark];
    });
  }

  /** What the script of once has written: lines of both tables. */
  summed(): readonly (readonly number[])[] {
    return [
      ...this.#read('sums').sort(([one = 0], [other = 0]) => one - other),
      ...this.#read('all'),
    ];
  }

  expectedSums(): readonly (readonly number[])[] {
    const sums = Array.from({ length: keys }, (_, key) => {
      const own = Array.from({ length: this.#written }, (_, id) => id).filter(
        (id) => id % keys === key,
      );
      return [key, own.reduce((sum, id) => sum + id, 0)];
    });
    return [...sums, [this.#written]];
  }

  #url(name: string): string {
    return pathToFileURL(join(this.#folder, name)).href;
  }

  #read(name: string): number[][] {
    const texts = committedFiles(join(this.#folder, name)).map((file) =>
      readFileSync(file, 'utf8'),
    );
    const lines = texts.flatMap((text) => text.split('\n')).filter((line) => line !== '');
    return lines.map((line) => line.split(',').map(Number));
  }
}
