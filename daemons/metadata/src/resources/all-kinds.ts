import { groupKind, policyKind, roleKind, userKind } from '../access/access-kinds.ts';
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
} from './kinds.ts';

/** Every kind of resource that is kept under names: each has a table, is checked, and is a part of backups. */
export const allKinds = {
  projects: projectKind,
  sources: sourceKind,
  models: modelKind,
  cubes: cubeKind,
  segments: segmentKind,
  snapshots: snapshotKind,
  dictionaries: dictionaryKind,
  operations: operationKind,
  hosts: hostKind,
  storageNodes: storageNodeKind,
  deployments: deploymentKind,
  deploymentStatuses: deploymentStatusKind,
  users: userKind,
  groups: groupKind,
  roles: roleKind,
  policies: policyKind,
} as const;
