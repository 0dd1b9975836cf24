import { metadata } from '@tessera/proto';
import { invalidSpec, notFound } from '../errors.ts';
import { deploymentKind, deploymentStatusKind } from '../resources/kinds.ts';
import { idsOf, keyOf } from '../resources/resource-key.ts';
import type { ResourceRules } from '../resources/resource-table.ts';
import { Faults } from './faults.ts';
import { VersionKeys } from './resource-versions.ts';

/** Of one deployment. */
const bounds = {
  ...{ daemons: 100, options: 200, artifacts: 100, files: 100 },
  /** Of the files of all daemons together: each version keeps them. */
  fileBytes: 256_000,
} as const;
const versions = new VersionKeys(deploymentKind);

/** A deployment can be carried out as it stands, and each change of what is wanted is another version. */
export const deploymentRules: ResourceRules<metadata.Deployment> = {
  onWrite: async ({ before, after }, commit) => {
    const faults = faultsOf(after);
    if (faults.length > 0) throw invalidSpec('deployment', after.name, faults);
    if (before !== undefined && textOf(before) === textOf(after)) return after;
    const versioned = { ...after, version: (before?.version ?? 0n) + 1n };
    versions.keep(commit, versioned);
    return versioned;
  },
  onDelete: async ({ name }, commit) => {
    versions.forget(commit, name);
    commit.delete(keyOf(deploymentStatusKind.pattern, statusOf(name)));
  },
};

/** A status is that of a deployment. */
export const deploymentStatusRules: ResourceRules<metadata.DeploymentStatus> = {
  onWrite: async ({ after }, commit) => {
    const [id] = idsOf(deploymentStatusKind.pattern, after.name);
    const name = `deployments/${id}`;
    commit.requirePresent(keyOf(deploymentKind.pattern, name), () => notFound('deployment', name));
    return after;
  },
};

function statusOf(deployment: string): string {
  const [id] = idsOf(deploymentKind.pattern, deployment);
  return `deployment-statuses/${id}`;
}

function faultsOf({ daemons }: metadata.Deployment) {
  const faults = new Faults();
  if (daemons.length > bounds.daemons) faults.add('daemons', `may be ${bounds.daemons} at most.`);
  faults.unique(
    'daemons',
    daemons.map(({ name }) => name),
    'daemon',
  );
  for (const [i, daemon] of daemons.entries()) {
    const field = `daemons[${i}]`;
    checkDaemon(faults, field, daemon);
    checkHosts(faults, `${field}.hosts`, daemon.hosts);
    checkWords(faults, field, daemon);
  }
  checkFileBytes(faults, daemons);
  return faults.found;
}

function checkDaemon(faults: Faults, field: string, daemon: metadata.DaemonSpec): void {
  const { name, argv, options, artifacts } = daemon;
  if (!/^[a-z0-9][a-z0-9-]{0,62}$/.test(name)) {
    faults.add(`${field}.name`, 'must be 1 to 63 of a-z, 0-9 and "-".');
  }
  faults.required(`${field}.argv`, argv[0] ?? '');
  if (daemon.maxUnavailable < 0) faults.add(`${field}.max_unavailable`, 'must not be negative.');
  for (const option of Object.keys(options)) {
    if (!/^[a-z][a-z0-9-]*$/.test(option)) {
      faults.add(`${field}.options.${option}`, 'must be of a-z, 0-9 and "-".');
    }
  }
  if (Object.keys(options).length > bounds.options) {
    faults.add(`${field}.options`, `may be ${bounds.options} at most.`);
  }
  if (artifacts.length > bounds.artifacts) {
    faults.add(`${field}.artifacts`, `may be ${bounds.artifacts} at most.`);
  }
  for (const [j, { artifact }] of artifacts.entries()) {
    if (!/^artifacts\/[0-9a-f]{64}$/.test(artifact)) {
      faults.add(`${field}.artifacts[${j}].artifact`, 'must be artifacts/ and a SHA-256.');
    }
  }
  checkPaths(faults, field, daemon);
}

/** What lies beside a daemon is within its working directory, and no two things are at one place. */
function checkPaths(faults: Faults, field: string, daemon: metadata.DaemonSpec): void {
  const { artifacts, files } = daemon;
  if (files.length > bounds.files) faults.add(`${field}.files`, `may be ${bounds.files} at most.`);
  const all = [
    ...artifacts.map(({ path }, j) => ({ place: `${field}.artifacts[${j}].path`, path })),
    ...files.map(({ path }, j) => ({ place: `${field}.files[${j}].path`, path })),
  ];
  for (const [i, { place, path }] of all.entries()) {
    if (path.split('/').some((step) => ['', '.', '..'].includes(step)) || path.includes('\0')) {
      faults.add(place, 'must be relative, without "." and "..".');
      continue;
    }
    const other = all.find((one, j) => j !== i && `${path}/`.startsWith(`${one.path}/`));
    if (other !== undefined) faults.add(place, `is, or lies in, ${JSON.stringify(other.path)}.`);
  }
}

function checkFileBytes(faults: Faults, daemons: readonly metadata.DaemonSpec[]): void {
  const contents = daemons.flatMap(({ files }) => files.map(({ content }) => content));
  const bytes = contents.reduce((sum, content) => sum + Buffer.byteLength(content), 0);
  if (bytes <= bounds.fileBytes) return;
  faults.add(
    'daemons',
    `may have files of ${bounds.fileBytes} bytes together; put others as artifacts.`,
  );
}

function checkHosts(faults: Faults, field: string, hosts: metadata.HostSelector | undefined): void {
  if ((hosts?.limit ?? 0) < 0) faults.add(`${field}.limit`, 'must not be negative.');
  for (const [j, host] of (hosts?.hosts ?? []).entries()) {
    if (!/^hosts\/[^/]+$/.test(host)) {
      faults.add(`${field}.hosts[${j}]`, 'must be of the form hosts/{host}.');
    }
  }
}

/** Words that stand for what a host has: a misspelt one would be handed to the daemon as it is. */
function checkWords(faults: Faults, field: string, daemon: metadata.DaemonSpec): void {
  const { argv, options, environment, healthAddress, files } = daemon;
  const texts: [string, string][] = [
    ...argv.map((text, i): [string, string] => [`argv[${i}]`, text]),
    ...Object.entries(options).flatMap(([name, { values }]) =>
      values.map((text): [string, string] => [`options.${name}`, text]),
    ),
    ...Object.entries(environment).map(([name, text]): [string, string] => [
      `environment.${name}`,
      text,
    ]),
    ...files.map(({ content }, i): [string, string] => [`files[${i}].content`, content]),
    ['health_address', healthAddress],
  ];
  for (const [place, text] of texts) {
    for (const [word] of text.matchAll(/\{\{[^{}]*\}\}/g)) {
      if (/^\{\{(host|ip|rack|port(\+\d{1,4})?)\}\}$/.test(word)) continue;
      faults.add(
        `${field}.${place}`,
        `${word} stands for nothing; {{host}}, {{ip}}, {{rack}}, {{port}} and {{port+N}} do.`,
      );
    }
  }
}

function textOf({ daemons }: metadata.Deployment): string {
  return JSON.stringify(daemons.map((daemon) => metadata.DaemonSpec.toJSON(daemon)));
}
