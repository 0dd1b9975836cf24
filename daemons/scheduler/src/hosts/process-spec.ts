import { createHash } from 'node:crypto';
import { durationFromProto } from '@tessera/client';
import { host as wire } from '@tessera/proto';

/** How processes are told apart by how they are run. */

const { RESTART_MODE_ALWAYS } = wire.RestartMode;
const defaultGraceMs = 10_000;

/** Variables that a process has in its environment for whoever looks after it. */
export const variables = {
  /** The deployment that it belongs to. */
  owner: 'TESSERA_DEPLOYMENT',
  /** What it was started as: not what it is now, when somebody changed it. */
  fingerprint: 'TESSERA_DEPLOYMENT_FINGERPRINT',
  /** The version of the deployment that it was started for. */
  version: 'TESSERA_DEPLOYMENT_VERSION',
  /** Where it says whether it serves. */
  health: 'TESSERA_DEPLOYMENT_HEALTH',
  /** The version of its program, for people. */
  program: 'TESSERA_DEPLOYMENT_PROGRAM',
  /** The Flink cluster that it belongs to. */
  flinkCluster: 'TESSERA_FLINK_CLUSTER',
  /** What it does in that cluster. */
  flinkRole: 'TESSERA_FLINK_ROLE',
  /** Where it answers, `host:port`: the REST interface of a JobManager, or of a SQL gateway. */
  flinkRest: 'TESSERA_FLINK_REST',
} as const;

/** Those that say nothing about how a process is run. */
const bookkeeping: ReadonlySet<string> = new Set([variables.fingerprint, variables.version]);

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
  for (const [name, text] of Object.entries(spec?.environment ?? {}).sort(byName)) {
    if (!bookkeeping.has(name)) fields.set(`environment.${name}`, text);
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
  if (spec?.endWhenCutOff) fields.set('end_when_cut_off', 'true');
  const { mode, maxRestarts } = spec?.restart ?? {};
  fields.set('restart', mode === RESTART_MODE_ALWAYS && !maxRestarts ? 'always' : 'otherwise');
  const limits = wire.ResourceLimits.fromPartial(spec?.limits ?? {});
  fields.set('limits', JSON.stringify(wire.ResourceLimits.toJSON(limits)));
  return fields;
}

function byName([a]: [string, unknown], [b]: [string, unknown]): number {
  return a < b ? -1 : 1;
}
