import { resourceIdOf } from '@tessera/base';
import { durationFromProto, durationToProto, listAll, type TesseraClient } from '@tessera/client';
import {
  type DeployedDaemon,
  type DeploymentResource,
  type OptionValue,
  parseTimeSpan,
  printTimeSpan,
  type Resource,
} from '@tessera/cube';
import { metadata } from '@tessera/proto';

/** Deployments: between YAML and the service. */

export async function applyDeployment(
  client: TesseraClient,
  resource: DeploymentResource,
  options: { readonly dryRun: boolean },
): Promise<void> {
  await client.deployments.updateDeployment({
    deployment: deploymentToProto(resource),
    allowMissing: true,
    validateOnly: options.dryRun,
  });
}

export async function exportDeployments(client: TesseraClient): Promise<DeploymentResource[]> {
  const { resources } = await listAll(client, 'deployments');
  return resources.map(deploymentFromProto);
}

/** The same with every value written in one way, so that two can be compared. */
export function normalized(resource: Resource): Resource {
  return resource.kind === 'Deployment'
    ? deploymentFromProto(deploymentToProto(resource))
    : resource;
}

export function deploymentToProto({ name, spec }: DeploymentResource): metadata.Deployment {
  return metadata.Deployment.fromPartial({
    name: `deployments/${name}`,
    paused: spec.paused,
    daemons: spec.daemons.map(daemonToProto),
  });
}

export function deploymentFromProto(deployment: metadata.Deployment): DeploymentResource {
  const { name, daemons, paused } = deployment;
  const spec = { daemons: daemons.map(daemonFromProto), paused };
  return { kind: 'Deployment', name: resourceIdOf(name), spec };
}

function daemonToProto(daemon: DeployedDaemon): metadata.DaemonSpec {
  const { hosts, options = {}, artifacts = [], gracePeriod, ...rest } = daemon;
  return metadata.DaemonSpec.fromPartial({
    ...rest,
    hosts: hosts && { ...hosts, hosts: hosts.hosts?.map((id) => `hosts/${id}`) ?? [] },
    options: Object.fromEntries(
      Object.entries(options).map(([name, value]) => [name, { values: valuesOf(value) }]),
    ),
    artifacts: artifacts.map(({ artifact, ...at }) => ({
      artifact: `artifacts/${artifact}`,
      ...at,
    })),
    gracePeriod:
      gracePeriod === undefined ? undefined : durationToProto(parseTimeSpan(gracePeriod)!),
  });
}

function daemonFromProto(daemon: metadata.DaemonSpec): DeployedDaemon {
  const { name, hosts, argv, options, environment, healthAddress, artifacts, version } = daemon;
  const graceMs = durationFromProto(daemon.gracePeriod);
  return {
    name,
    ...(hosts && { hosts: hostsFromProto(hosts) }),
    argv,
    ...(isFilled(options) && {
      options: Object.fromEntries(
        Object.entries(options).map(([option, { values }]) => [option, optionOf(values)]),
      ),
    }),
    ...(isFilled(environment) && { environment }),
    ...(healthAddress !== '' && { healthAddress }),
    ...(artifacts.length > 0 && {
      artifacts: artifacts.map(({ artifact, path, unpack }) => ({
        artifact: resourceIdOf(artifact),
        path,
        ...(unpack && { unpack }),
      })),
    }),
    ...(daemon.files.length > 0 && { files: daemon.files }),
    ...(version !== '' && { version }),
    ...(daemon.maxUnavailable > 0 && { maxUnavailable: daemon.maxUnavailable }),
    ...(graceMs !== undefined && { gracePeriod: printTimeSpan(graceMs) }),
  };
}

function hostsFromProto({ labels, racks, hosts, limit }: metadata.HostSelector) {
  return {
    ...(isFilled(labels) && { labels }),
    ...(racks.length > 0 && { racks }),
    ...(hosts.length > 0 && { hosts: hosts.map(resourceIdOf) }),
    ...(limit > 0 && { limit }),
  };
}

function valuesOf(value: OptionValue): string[] {
  if (value === true) return [];
  return typeof value === 'object' ? value.map(String) : [String(value)];
}

function optionOf(values: readonly string[]): OptionValue {
  if (values.length === 0) return true;
  return values.length === 1 ? values[0]! : values;
}

function isFilled(map: object): boolean {
  return Object.keys(map).length > 0;
}
