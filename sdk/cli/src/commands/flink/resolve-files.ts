import { resolve } from 'node:path';
import { Code, isTesseraError, resourceIdOf, TesseraError } from '@tessera/base';
import { listAll } from '@tessera/client';
import type {
  FlinkClusterResource,
  FlinkJobResource,
  ParsedResource,
  Resource,
} from '@tessera/cube';
import { folderOf } from '../../apply.ts';
import { artifactHosts } from '../../artifacts/observe-artifacts.ts';
import type { CommandContext } from '../../context.ts';
import type { AtOption, PutOptions } from '../put-file.ts';
import { putFile } from '../put-file.ts';
import { bundleName, fetchBundle } from './fetch.ts';

/** Files that resources of Flink need on hosts: they are put there, and named by their SHA-256 from then on. */

/** On how many hosts, so that one may be lost. */
const copies = '2';

/** @throws JAR_UNREADABLE before anything is put anywhere; what making a bundle and putting files throw */
export async function resolveFiles(
  context: CommandContext,
  parsed: readonly ParsedResource[],
  { at }: AtOption,
): Promise<ParsedResource[]> {
  const put: PutOptions = { copies, ...(at !== undefined && { at }) };
  const resolved: ParsedResource[] = [];
  const bundles = new Map<string, string>();
  for (const one of parsed) {
    const { resource } = one;
    const known = { ...one, resource: await resolveOne(context, one, resource, put, bundles) };
    resolved.push(known);
  }
  return resolved;
}

async function resolveOne(
  context: CommandContext,
  parsed: ParsedResource,
  resource: Resource,
  put: PutOptions,
  bundles: Map<string, string>,
): Promise<Resource> {
  if (resource.kind === 'FlinkCluster' && resource.spec.bundle === undefined) {
    const { flinkVersion } = resource.spec;
    const bundle = bundles.get(flinkVersion) ?? (await bundleFor(context, resource, put));
    bundles.set(flinkVersion, bundle);
    return { ...resource, spec: { ...resource.spec, bundle } };
  }
  if (resource.kind === 'FlinkJob' && resource.spec.jar?.file !== undefined) {
    return { ...resource, spec: await withJar(context, parsed, resource, put) };
  }
  return resource;
}

/**
 * The bundle of a cluster that names none: the one that it has already, as long as the version is the same; or the one of that version that hosts have; or else it is made now.
 */
async function bundleFor(
  context: CommandContext,
  { name, spec: { flinkVersion } }: FlinkClusterResource,
  put: PutOptions,
): Promise<string> {
  const { client } = context;
  const { resources } = await listAll(client, 'flinkClusters');
  const before = resources.find((one) => one.name === `flink-clusters/${name}`)?.spec;
  if (before?.flinkVersion === flinkVersion) return resourceIdOf(before.bundle);
  const onHosts = await bundleOnHosts(context, flinkVersion, put);
  if (onHosts !== undefined) return onHosts;
  const made = await fetchBundle(context, { version: flinkVersion }, put).catch(
    (error: unknown) => {
      const isUnmade = isTesseraError(error) && error.reason.startsWith('FLINK_');
      throw isUnmade ? bundleUnmade(error, name, flinkVersion) : error;
    },
  );
  return made.bundle.digest;
}

/** Why a bundle could not be made, and how one is used that hosts have under another name: what is in it is not known there. */
function bundleUnmade(error: TesseraError, cluster: string, version: string): TesseraError {
  const { code, reason, metadata } = error;
  const hint = `No host has one that is called ${bundleName(version)}; where one has it under another name, write its SHA-256, which 'tessera artifact list' tells, as 'bundle' of cluster ${cluster}.`;
  const message = `${error.message} ${hint}`;
  return new TesseraError({ code, reason, metadata, message, cause: error });
}

/** Of several the one that most hosts have. */
async function bundleOnHosts(
  context: CommandContext,
  version: string,
  { at }: AtOption,
): Promise<string | undefined> {
  using stack = new DisposableStack();
  const hosts = await artifactHosts(context, stack, at);
  const found = hosts
    .flatMap(({ artifacts }) => artifacts)
    .filter(({ displayName }) => displayName === bundleName(version))
    .map(({ name }) => resourceIdOf(name))
    .sort();
  const count = (digest: string) => found.filter((one) => one === digest).length;
  return [...new Set(found)].sort((a, b) => count(b) - count(a)).at(0);
}

async function withJar(
  context: CommandContext,
  parsed: ParsedResource,
  { spec }: FlinkJobResource,
  put: PutOptions,
): Promise<FlinkJobResource['spec']> {
  const { file = '', ...jar } = spec.jar ?? {};
  const path = resolve(folderOf(parsed.file), file);
  const { digest } = await putFile(context, path, put).catch((error: unknown) => {
    throw isTesseraError(error, 'FILE_UNREADABLE') ? jarUnreadable(parsed, path) : error;
  });
  return { ...spec, jar: { ...jar, artifact: digest } };
}

function jarUnreadable({ file, positions, resource }: ParsedResource, path: string): TesseraError {
  const { line = 1, column = 1 } = positions.get('jar.file') ?? {};
  return new TesseraError({
    code: Code.INVALID_ARGUMENT,
    reason: 'JAR_UNREADABLE',
    message: `${file}:${line}:${column}: the jar of job ${resource.name}, ${path}, cannot be read: build it, or correct its path; relative paths start from the folder of the YAML file.`,
    metadata: { file, line: String(line), jar: path },
  });
}
