import type { KeyValueStore } from '@tessera/base';
import { policyRules, roleRules, userRules } from '../access/access-resource-rules.ts';
import { allKinds } from '../resources/all-kinds.ts';
import type { ResourceKind } from '../resources/resource-kind.ts';
import { ResourceTable, type TableContext } from '../resources/resource-table.ts';
import { deploymentRules, deploymentStatusRules } from './deployment-rules.ts';
import { flinkClusterRules } from './flink-cluster-rules.ts';
import { flinkJobRules } from './flink-job-rules.ts';
import { ofJobRules } from './flink-scaling-rules.ts';
import { flinkStatusRules } from './flink-status-rules.ts';
import { hostRules } from './host-rules.ts';
import { operationRules } from './journal.ts';
import { cubeRules, modelRules } from './model-rules.ts';
import type { ModelValidator } from './model-validator.ts';
import { copyRules, projectRules, sourceRules } from './project-rules.ts';
import { type SegmentRulesOptions, segmentRules, snapshotRules } from './segment-rules.ts';
import { storageNodeRules } from './storage-node-rules.ts';

type KindName = keyof typeof allKinds;
type ResourceOf<Name extends KindName> =
  (typeof allKinds)[Name] extends ResourceKind<infer R> ? R : never;

/** All kinds of resources, each with its rules. */
export type Tables = { readonly [Name in KindName]: ResourceTable<ResourceOf<Name>> };

export function createTables(context: TableContext, validator: ModelValidator): Tables {
  const store: KeyValueStore = context.store;
  const segmentOptions: SegmentRulesOptions = {
    store,
    segmentsOf: async (cube) => (await tables.segments.all(cube)).resources,
  };
  const cubesOf = async (project: string) => (await tables.cubes.all(project)).resources;
  const modelsOf = async (project: string) => (await tables.models.all(project)).resources;
  const findModel = (name: string) => tables.models.find(name);
  const tables: Tables = {
    projects: new ResourceTable(allKinds.projects, context, projectRules(store)),
    sources: new ResourceTable(allKinds.sources, context, sourceRules(store, modelsOf)),
    models: new ResourceTable(allKinds.models, context, modelRules({ store, validator, cubesOf })),
    cubes: new ResourceTable(allKinds.cubes, context, cubeRules({ store, validator, findModel })),
    segments: new ResourceTable(allKinds.segments, context, segmentRules(segmentOptions)),
    snapshots: new ResourceTable(allKinds.snapshots, context, snapshotRules(segmentOptions)),
    dictionaries: new ResourceTable(allKinds.dictionaries, context, copyRules()),
    hosts: new ResourceTable(allKinds.hosts, context, hostRules),
    storageNodes: new ResourceTable(allKinds.storageNodes, context, storageNodeRules),
    deployments: new ResourceTable(allKinds.deployments, context, deploymentRules),
    deploymentStatuses: new ResourceTable(
      allKinds.deploymentStatuses,
      context,
      deploymentStatusRules,
    ),
    flinkClusters: new ResourceTable(
      allKinds.flinkClusters,
      context,
      flinkClusterRules({
        store,
        jobs: async () => (await tables.flinkJobs.all('')).resources,
        jobStatuses: async () => (await tables.flinkJobStatuses.all('')).resources,
      }),
    ),
    flinkClusterStatuses: new ResourceTable(
      allKinds.flinkClusterStatuses,
      context,
      flinkStatusRules({
        kind: 'flink_cluster',
        ofKind: allKinds.flinkClusters,
        statusKind: allKinds.flinkClusterStatuses,
        find: (name) => tables.flinkClusters.find(name),
        withUid: (status, clusterUid) => ({ ...status, clusterUid }),
      }),
    ),
    flinkJobs: new ResourceTable(allKinds.flinkJobs, context, flinkJobRules),
    flinkJobStatuses: new ResourceTable(
      allKinds.flinkJobStatuses,
      context,
      flinkStatusRules({
        kind: 'flink_job',
        ofKind: allKinds.flinkJobs,
        statusKind: allKinds.flinkJobStatuses,
        find: (name) => tables.flinkJobs.find(name),
        withUid: (status, jobUid) => ({ ...status, jobUid }),
      }),
    ),
    flinkJobScalings: new ResourceTable(
      allKinds.flinkJobScalings,
      context,
      ofJobRules(allKinds.flinkJobScalings),
    ),
    scalingDecisions: new ResourceTable(
      allKinds.scalingDecisions,
      context,
      ofJobRules(allKinds.scalingDecisions),
    ),
    operations: new ResourceTable(allKinds.operations, context, operationRules),
    users: new ResourceTable(allKinds.users, context, userRules),
    groups: new ResourceTable(allKinds.groups, context),
    roles: new ResourceTable(allKinds.roles, context, roleRules),
    policies: new ResourceTable(allKinds.policies, context, policyRules(validator)),
  };
  return tables;
}

/** What the rules of segments need, for the publisher. */
export function segmentRulesOptions(store: KeyValueStore, tables: Tables): SegmentRulesOptions {
  return { store, segmentsOf: async (cube) => (await tables.segments.all(cube)).resources };
}
