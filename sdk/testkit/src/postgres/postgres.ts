import { spawnSync } from 'node:child_process';
import { chownSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/**
 * A real PostgreSQL as the oracle of SQL semantics: Debian's package, started in a temporary directory
 * on a Unix socket only, as an unprivileged user, gone with `stop`.
 */
export interface Postgres {
  /** Runs the statements one after the other in one session; a failed one does not stop those after it. */
  run(statements: readonly string[]): PostgresResult[];
  stop(): void;
}

export interface PostgresResult {
  /** Names and types as PostgreSQL spells them; empty when the statement failed. */
  readonly columns: readonly { readonly name: string; readonly type: string }[];
  /** Text form of each value, `null` for NULL. */
  readonly rows: readonly (readonly (string | null)[])[];
  readonly error?: string;
}

/** Directory of the server's programs, `undefined` when PostgreSQL is not installed. */
export function postgresPrograms(): string | undefined {
  const base = '/usr/lib/postgresql';
  if (!existsSync(base)) return undefined;
  const versions = readdirSync(base).sort((a, b) => Number(b) - Number(a));
  return versions.map((v) => join(base, v, 'bin')).find((dir) => existsSync(join(dir, 'initdb')));
}

export function startPostgres(): Postgres {
  const programs = postgresPrograms();
  if (programs === undefined)
    throw new Error('PostgreSQL is not installed; run scripts/install-test-deps.sh');
  const directory = mkdtempSync(join(tmpdir(), 'tessera-postgres-'));
  const user = serverUser();
  if (user !== undefined) chownSync(directory, user.uid, user.gid);
  const data = join(directory, 'data');
  const run = (program: string, args: readonly string[]) => {
    const result = spawnSync(join(programs, program), args, {
      ...user,
      cwd: directory,
      encoding: 'utf8',
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    if (result.status !== 0) throw new Error(`${program} failed: ${result.stderr}`);
  };
  run('initdb', [
    '-D',
    data,
    '-U',
    'tessera',
    '--auth=trust',
    '--locale=C.UTF-8',
    '--lc-collate=C',
    '--encoding=UTF8',
    '--no-sync',
  ]);
  const options = `-k ${directory} -c listen_addresses= -c fsync=off -c timezone=UTC -c shared_buffers=16MB`;
  run('pg_ctl', ['-D', data, '-w', '-l', join(directory, 'log'), '-o', options, 'start']);
  return {
    run: (statements) => runAll(directory, programs, statements),
    stop: () => {
      run('pg_ctl', ['-D', data, '-m', 'immediate', 'stop']);
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

/** The server refuses to run as root. */
function serverUser(): { uid: number; gid: number } | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const id = (flag: string) =>
    Number(spawnSync('id', [flag, 'postgres'], { encoding: 'utf8' }).stdout);
  return { uid: id('-u'), gid: id('-g') };
}

const [begin, described, end] = ['\u0002begin', '\u0002rows', '\u0002end'];
const [fieldSeparator, recordSeparator, nullMark] = ['\u001f', '\u001e', '\u0001null'];

function runAll(socket: string, programs: string, statements: readonly string[]): PostgresResult[] {
  const settings = [
    "set intervalstyle = 'iso_8601';",
    `\\pset format unaligned`,
    `\\pset tuples_only on`,
    `\\pset fieldsep '${fieldSeparator}'`,
    `\\pset recordsep '${recordSeparator}'`,
    `\\pset null '${nullMark}'`,
  ];
  const script = statements.flatMap((sql) => [
    `\\echo '${begin}'`,
    `${sql}\n\\gdesc`,
    `\\echo '${described}'`,
    `${sql}\n\\g`,
    `\\echo '${end}'`,
  ]);
  const psql = spawnSync(
    'sh',
    ['-c', 'exec "$0" -X -q -h "$1" -U tessera -d postgres 2>&1', join(programs, 'psql'), socket],
    { input: [...settings, ...script, ''].join('\n'), encoding: 'utf8', maxBuffer: 1 << 30 },
  );
  const parts = psql.stdout.split(`${begin}\n`).slice(1);
  if (parts.length !== statements.length)
    throw new Error(`psql failed: ${psql.stdout.slice(-2000)}`);
  return parts.map(resultOf);
}

function resultOf(part: string): PostgresResult {
  const [head = '', rest = ''] = part.split(`${described}\n`);
  const body = rest.split(`${end}\n`)[0] ?? '';
  const failure = /^(?:psql:[^\n]*)?ERROR: {2}(.*)$/m.exec(`${head}\n${body}`);
  if (failure !== null) return { columns: [], rows: [], error: failure[1]! };
  const columns = records(head).map(([name = '', type = '']) => ({
    name: name ?? '',
    type: type ?? '',
  }));
  return { columns, rows: records(body) };
}

function records(text: string): (string | null)[][] {
  const body = text.replace(/\n$/, '');
  if (body === '') return [];
  return body
    .split(recordSeparator)
    .map((record) =>
      record.split(fieldSeparator).map((field) => (field === nullMark ? null : field)),
    );
}
