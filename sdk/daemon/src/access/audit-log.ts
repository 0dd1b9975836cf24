import { closeSync, mkdirSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { Clock } from '@tessera/base';
import { auditUnavailable } from './errors.ts';

/** One call that was made, or refused. */
export interface AuditRecord {
  /** Empty: nobody signed in. */
  readonly user: string;
  readonly method: string;
  readonly projects: readonly string[];
  readonly sql: string | undefined;
  /** `ALLOWED`, or the reason of the refusal. */
  readonly outcome: string;
}

/** What callers send may be of any length; what is written of it is not, so that nobody fills the disk by a few calls. */
const maxSqlCharacters = 4_096;
const maxNameCharacters = 256;
const maxProjects = 64;
const microsPerDay = 86_400_000_000n;

/**
 * Who did what: JSON lines in one file a day, which are only ever added to. A record is with the operating system before
 * the call goes on, so it survives the process.
 */
export class AuditLog implements Disposable {
  readonly #folder: string;
  readonly #clock: Clock;
  #day = -1n;
  #file: number | undefined;

  constructor(folder: string, clock: Clock) {
    this.#folder = folder;
    this.#clock = clock;
  }

  /** @throws AUDIT_UNAVAILABLE: then the call must not go on */
  record(record: AuditRecord): void {
    const now = this.#clock.now();
    const time = new Date(Number(now / 1000n)).toISOString();
    try {
      writeSync(this.#fileOf(now), `${JSON.stringify({ time, ...shortened(record) })}\n`);
    } catch (cause) {
      throw auditUnavailable(cause);
    }
  }

  [Symbol.dispose](): void {
    if (this.#file !== undefined) closeSync(this.#file);
    this.#file = undefined;
  }

  #fileOf(now: bigint): number {
    const day = now / microsPerDay;
    if (this.#file !== undefined && day === this.#day) return this.#file;
    this[Symbol.dispose]();
    mkdirSync(this.#folder, { recursive: true, mode: 0o700 });
    const name = `audit-${new Date(Number(now / 1000n)).toISOString().slice(0, 10)}.jsonl`;
    this.#file = openSync(join(this.#folder, name), 'a', 0o600);
    this.#day = day;
    return this.#file;
  }
}

function shortened({ user, method, projects, sql, outcome }: AuditRecord): AuditRecord {
  return {
    user: nameOf(user),
    method: nameOf(method),
    projects: projects.slice(0, maxProjects).map(nameOf),
    outcome: nameOf(outcome),
    sql: sql?.slice(0, maxSqlCharacters),
  };
}

function nameOf(text: string): string {
  return text.slice(0, maxNameCharacters);
}
