import { globSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { describe, expect, test } from 'vitest';

const root = join(import.meta.dirname, '..', '..');

/** From the inside out. A package may depend on what stands in an earlier ring only. */
const rings: readonly (readonly string[])[] = [
  ['base', 'proto'],
  ['columnar', 'placement', 'flink', 'scaling', 'telemetry'],
  ['sql'],
  ['cube', 'access'],
  ['plugin'],
  ['client', 'duckdb', 'flink-rest', 'flink-bundle', 'flink-simulator'],
  ['daemon', 'cli', 'simulation-report'],
  ['testkit'],
  ['connector-files', 'engine-duckdb', 'deep-storage', 'example-connector'],
  [
    'strategy-ds2',
    'strategy-flink-autoscaler',
    'strategy-forecast',
    'strategy-schedule',
    'strategy-threshold',
  ],
  ['metadata', 'scheduler', 'storage', 'query', 'host'],
  ['standalone'],
  ['bench', 'test', 'example-flights', 'example-flink-autoscale'],
];

interface Package {
  readonly name: string;
  readonly folder: string;
  readonly dependencies: readonly string[];
  /** What others may import, `*` standing for any name. */
  readonly exported: readonly string[];
}

const packages: readonly Package[] = globSync(
  '{sdk,daemons,plugins,examples,bench,test}/**/package.json',
  {
    cwd: root,
    exclude: (name) => name.includes('node_modules') || name.endsWith('fixtures'),
  },
).map((file) => {
  const manifest = JSON.parse(readFileSync(join(root, file), 'utf8'));
  const dependencies = Object.keys(manifest.dependencies ?? {});
  const exported = Object.keys(manifest.exports ?? {});
  return { name: manifest.name, folder: dirname(file), dependencies, exported };
});

const ringOf = (name: string) =>
  rings.findIndex((ring) => ring.includes(name.replace('@tessera/', '')));
const own = (names: readonly string[]) => names.filter((name) => name.startsWith('@tessera/'));

describe('the rings of packages', () => {
  test('hold every package', () => {
    expect(packages.map(({ name }) => name).filter((name) => ringOf(name) < 0)).toEqual([]);
  });

  test('only have arrows that point inwards', () => {
    const outwards = packages.flatMap(({ name, dependencies }) =>
      own(dependencies)
        .filter((dependency) => ringOf(dependency) >= ringOf(name))
        .map((dependency) => `${name} -> ${dependency}`),
    );
    expect(outwards).toEqual([]);
  });

  test.each([
    'base',
    'columnar',
    'sql',
    'cube',
    'access',
    'placement',
    'flink',
    'scaling',
    'flink-simulator',
  ])('%s is pure: no files, network, clocks or timers', (name) => {
    const { folder } = packages.find((candidate) => candidate.name === `@tessera/${name}`)!;
    const impure = sourcesOf(folder)
      .filter((file) => !file.endsWith('clock.ts'))
      .filter((file) =>
        /from 'node:(?!crypto|util|buffer)|\b(Date\.now|setTimeout|setInterval|process\.env|console\.)/.test(
          readFileSync(join(root, file), 'utf8'),
        ),
      );
    expect(impure).toEqual([]);
  });

  test('bring no tools of tests to who installs the platform', () => {
    const installed = new Set(['@tessera/standalone']);
    for (const each of installed) {
      const { dependencies = [] } = packages.find(({ name }) => name === each) ?? {};
      for (const dependency of dependencies) installed.add(dependency);
    }
    const tools = ['@tessera/testkit', 'vitest', 'fast-check'];
    expect(tools.filter((tool) => installed.has(tool))).toEqual([]);
  });

  test('keep plugins away from daemons and from each other', () => {
    const daemons = [
      'daemon',
      'client',
      'proto',
      'metadata',
      'scheduler',
      'storage',
      'query',
      'host',
      'standalone',
    ];
    const wrong = packages
      .filter(({ folder }) => folder.startsWith('plugins/'))
      .flatMap(({ name, dependencies }) =>
        own(dependencies)
          .filter((dependency) => {
            const short = dependency.replace('@tessera/', '');
            return daemons.includes(short) || /^(connector|engine|strategy)-/.test(short);
          })
          .map((dependency) => `${name} -> ${dependency}`),
      );
    expect(wrong).toEqual([]);
  });
});

describe('the sources', () => {
  const sources = packages.flatMap(({ folder }) => sourcesOf(folder));

  test('import packages only through what they export', () => {
    const deep = sources.flatMap((file) => {
      const imported = readFileSync(join(root, file), 'utf8').matchAll(
        /from '(@tessera\/[a-z-]+)\/([^']+)'/g,
      );
      return [...imported]
        .filter(([, name, path]) => !isExported(name!, `./${path}`))
        .map(([, name, path]) => `${file}: ${name}/${path}`);
    });
    expect(deep).toEqual([]);
  });

  test('use injection containers in composition roots only', () => {
    const users = sources.filter((file) =>
      /from 'tsyringe'/.test(readFileSync(join(root, file), 'utf8')),
    );
    expect(users.map((file) => relative('.', file))).toEqual([
      'sdk/daemon/src/dependency-injection.ts',
    ]);
  });
});

function isExported(name: string, path: string): boolean {
  const { exported = [] } = packages.find((each) => each.name === name) ?? {};
  return exported.some(
    (pattern) =>
      pattern === path || (pattern.endsWith('/*') && path.startsWith(pattern.slice(0, -1))),
  );
}

/** Sources of a package without its tests. */
function sourcesOf(folder: string): string[] {
  return globSync(`${folder}/src/**/*.ts`, { cwd: root }).filter(
    (file) => !file.endsWith('.test.ts') && !file.includes('/gen/'),
  );
}
