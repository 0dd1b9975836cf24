import type { KeyValueStore } from '@tessera/base';
import type { access, metadata } from '@tessera/proto';
import { groupKind, policyKind, roleKind, userKind } from '../access/access-kinds.ts';
import { policyRules, roleRules, userRules } from '../access/access-resource-rules.ts';
import {
  cubeKind,
  deploymentKind,
  deploymentStatusKind,
  dictionaryKind,
  hostKind,
  modelKind,
  operationKind,
  projectKind,
  segmentKind,
  snapshotKind,
  sourceKind,
  storageNodeKind,
} from '../resources/kinds.ts';
import { ResourceTable, type TableContext } from '../resources/resource-table.ts';
import { deploymentRules, deploymentStatusRules } from './deployment-rules.ts';
import { hostRules } from './host-rules.ts';
import { operationRules } from './journal.ts';
import { cubeRules, modelRules } from './model-rules.ts';
import type { ModelValidator } from './model-validator.ts';
import { copyRules, projectRules, sourceRules } from './project-rules.ts';
import { type SegmentRulesOptions, segmentRules, snapshotRules } from './segment-rules.ts';
import { storageNodeRules } from './storage-node-rules.ts';

/** All kinds of resources, each with its rules. */
export interface Tables {
  readonly projects: ResourceTable<metadata.Project>;
  readonly sources: ResourceTable<metadata.Source>;
  readonly models: ResourceTable<metadata.Model>;
  readonly cubes: ResourceTable<metadata.Cube>;
  readonly segments: ResourceTable<metadata.Segment>;
  readonly snapshots: ResourceTable<metadata.Snapshot>;
  readonly dictionaries: ResourceTable<metadata.Dictionary>;
  readonly hosts: ResourceTable<metadata.Host>;
  readonly storageNodes: ResourceTable<metadata.StorageNode>;
  readonly deployments: ResourceTable<metadata.Deployment>;
  readonly deploymentStatuses: ResourceTable<metadata.DeploymentStatus>;
  readonly operations: ResourceTable<metadata.OperationRecord>;
  readonly users: ResourceTable<access.User>;
  readonly groups: ResourceTable<access.Group>;
  readonly roles: ResourceTable<access.Role>;
  readonly policies: ResourceTable<access.Policy>;
}

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
    projects: new ResourceTable(projectKind, context, projectRules(store)),
    sources: new ResourceTable(sourceKind, context, sourceRules(store, modelsOf)),
    models: new ResourceTable(modelKind, context, modelRules({ store, validator, cubesOf })),
    cubes: new ResourceTable(cubeKind, context, cubeRules({ store, validator, findModel })),
    segments: new ResourceTable(segmentKind, context, segmentRules(segmentOptions)),
    snapshots: new ResourceTable(snapshotKind, context, snapshotRules(segmentOptions)),
    dictionaries: new ResourceTable(dictionaryKind, context, copyRules()),
    hosts: new ResourceTable(hostKind, context, hostRules),
    storageNodes: new ResourceTable(storageNodeKind, context, storageNodeRules),
    deployments: new ResourceTable(deploymentKind, context, deploymentRules),
    deploymentStatuses: new ResourceTable(deploymentStatusKind, context, deploymentStatusRules),
    operations: new ResourceTable(operationKind, context, operationRules),
    users: new ResourceTable(userKind, context, userRules),
    groups: new ResourceTable(groupKind, context),
    roles: new ResourceTable(roleKind, context, roleRules),
    policies: new ResourceTable(policyKind, context, policyRules(validator)),
  };
  return tables;
}

/** What the rules of segments need, for the publisher. */
export function segmentRulesOptions(store: KeyValueStore, tables: Tables): SegmentRulesOptions {
  return { store, segmentsOf: async (cube) => (await tables.segments.all(cube)).resources };
}
