import { createHash } from 'node:crypto';
import { resourceIdOf } from '@tessera/base';
import { durationFromProto } from '@tessera/client';
import { type metadata, host as wire } from '@tessera/proto';
import type { HostFacts } from './wanted.ts';

/** Between a daemon of a deployment and the process that it is on a host. */

const { RESTART_MODE_ALWAYS } = wire.RestartMode;
const defaultGraceMs = 10_000;

/** What a process of a deployment has in its environment, so that the next leader knows it again. */
export const variables = {
  /** Whose it is. */
  owner: 'TESSERA_DEPLOYMENT',
  /** What it was started as: not what it is now, when somebody changed it. */
  fingerprint: 'TESSERA_DEPLOYMENT_FINGERPRINT',
  /** The version of the deployment that it was started for. */
  version: 'TESSERA_DEPLOYMENT_VERSION',
  /** Where it says whether it serves. */
  health: 'TESSERA_DEPLOYMENT_HEALTH',
  /** The version of its program, for people. */
  program: 'TESSERA_DEPLOYMENT_PROGRAM',
} as const;

export function processIdOf(deployment: string, daemon: string): string {
  return `${deployment}.${daemon}`;
}

/** How a daemon is run on a host. It is kept running whatever happens to it. */
export function specOn(
  { name, version }: metadata.Deployment,
  daemon: metadata.DaemonSpec,
  host: HostFacts,
): wire.ProcessSpec {
  const words = wordsOf(host);
  const spelt = (text: string) => text.replaceAll(/\{\{[^{}]*\}\}/g, (word) => words(word) ?? word);
  const environment = Object.entries(daemon.environment).map(([key, text]) => [key, spelt(text)]);
  const spec = wire.ProcessSpec.fromPartial({
    argv: [...daemon.argv, ...optionsOf(daemon)].map(spelt),
    environment: {
      ...Object.fromEntries(environment),
      [variables.owner]: resourceIdOf(name),
      ...(daemon.healthAddress !== '' && { [variables.health]: spelt(daemon.healthAddress) }),
      ...(daemon.version !== '' && { [variables.program]: daemon.version }),
    },
    restart: { mode: RESTART_MODE_ALWAYS },
    gracePeriod: daemon.gracePeriod,
    artifacts: daemon.artifacts,
    files: daemon.files.map(({ path, content }) => ({ path, content: spelt(content) })),
  });
  const marks = { [variables.fingerprint]: fingerprintOf(spec), [variables.version]: `${version}` };
  return { ...spec, environment: { ...spec.environment, ...marks } };
}

/** Says everything about how a process is run, but not for which version it was started. */
export function fingerprintOf(spec: wire.ProcessSpec | undefined): string {
  const text = JSON.stringify([...fieldsOf(spec)]);
  return createHash('sha256').update(text).digest('hex').slice(0, 16);
}

/** What differs between how a process is run and how it is wanted, for people. Values of its environment and contents of files are not shown. */
export function differencesOf(
  running: wire.ProcessSpec | undefined,
  wanted: wire.ProcessSpec,
): string[] {
  const [is, should] = [fieldsOf(running), fieldsOf(wanted)];
  return [...new Set([...is.keys(), ...should.keys()])].flatMap((field) => {
    const [found, other] = [is.get(field), should.get(field)];
    if (found === other) return [];
    if (field.startsWith('environment.')) return [`${field}: is not as wanted`];
    return [`${field}: ${found ?? 'absent'}, wanted is ${other ?? 'none'}`];
  });
}

/** All that makes one run differ from another, as texts. */
function fieldsOf(spec: wire.ProcessSpec | undefined): ReadonlyMap<string, string> {
  const fields = new Map<string, string>();
  for (const [i, text] of (spec?.argv ?? []).entries()) {
    fields.set(`argv[${i}]`, JSON.stringify(text));
  }
  const { fingerprint, version } = variables;
  for (const [name, text] of Object.entries(spec?.environment ?? {}).sort(byName)) {
    if (name !== fingerprint && name !== version) fields.set(`environment.${name}`, text);
  }
  for (const { artifact, path, unpack } of spec?.artifacts ?? []) {
    fields.set(`artifact ${path}`, unpack ? `${artifact}, unpacked` : artifact);
  }
  for (const { path, content, sha256 } of spec?.files ?? []) {
    // A host tells only the digest, and a deployment only the content.
    const digest = sha256 || createHash('sha256').update(content).digest('hex');
    fields.set(`file ${path}`, `SHA-256 ${digest.slice(0, 16)}`);
  }
  fields.set('working_directory', spec?.workingDirectory ?? '');
  fields.set('grace_period', `${durationFromProto(spec?.gracePeriod) ?? defaultGraceMs} ms`);
  const { mode, maxRestarts } = spec?.restart ?? {};
  fields.set('restart', mode === RESTART_MODE_ALWAYS && !maxRestarts ? 'always' : 'otherwise');
  const limits = wire.ResourceLimits.fromPartial(spec?.limits ?? {});
  fields.set('limits', JSON.stringify(wire.ResourceLimits.toJSON(limits)));
  return fields;
}

/** By name, so that the order in which they were written does not matter. */
function optionsOf({ options }: metadata.DaemonSpec): string[] {
  return Object.entries(options)
    .sort(byName)
    .flatMap(([name, { values }]) =>
      values.length === 0 ? [`--${name}`] : values.flatMap((value) => [`--${name}`, value]),
    );
}

function byName([a]: [string, unknown], [b]: [string, unknown]): number {
  return a < b ? -1 : 1;
}

/** What the words in a daemon's texts stand for on a host. */
function wordsOf(host: HostFacts): (word: string) => string | undefined {
  const known: Readonly<Record<string, string>> = {
    '{{host}}': resourceIdOf(host.name),
    '{{ip}}': host.address.slice(0, host.address.lastIndexOf(':')),
    '{{rack}}': host.rack,
  };
  return (word) => {
    const offset = /^\{\{port(?:\+(\d+))?\}\}$/.exec(word);
    return offset === null ? known[word] : `${host.firstPort + Number(offset[1] ?? 0)}`;
  };
}
