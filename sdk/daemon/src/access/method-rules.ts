import type { AccessFunction } from '@tessera/access';

/**
 * What each method of each service needs. A method that is not listed is denied, and a test fails.
 *
 * - `public`: nothing; `signed in`: any user, and the method looks further by itself.
 * - `project`: the function on all of every project that the request names, or on any where it names none.
 * - `part`: the function on some part of the project; the statement is then narrowed to that part.
 * - `platform`: the function on everything.
 */
export type MethodRule =
  | 'public'
  | 'signed in'
  | { readonly needs: AccessFunction; readonly on: 'project' | 'part' | 'platform' };

const model: MethodRule = { needs: 'model', on: 'project' };
const build: MethodRule = { needs: 'build', on: 'project' };
const follow: MethodRule = { needs: 'build', on: 'platform' };
const part: MethodRule = { needs: 'query', on: 'part' };
const operate: MethodRule = { needs: 'operate', on: 'platform' };
const administer: MethodRule = { needs: 'administer', on: 'platform' };

const rules: Readonly<Record<string, Readonly<Record<string, MethodRule>>>> = {
  'tessera.metadata.v1.ProjectService': {
    GetProject: model,
    ListProjects: model,
    WatchProjects: model,
    ...each(['CreateProject', 'UpdateProject', 'DeleteProject'], administer),
  },
  'tessera.metadata.v1.SourceService': standard('Source', 'Sources', model, model),
  'tessera.metadata.v1.ModelService': {
    ...standard('Model', 'Models', model, model),
    ...each(['ListModelVersions', 'RollbackModel'], model),
  },
  'tessera.metadata.v1.CubeService': standard('Cube', 'Cubes', model, model),
  'tessera.metadata.v1.SegmentService': {
    ...standard('Segment', 'Segments', build, operate),
    PublishSegments: operate,
  },
  'tessera.metadata.v1.SnapshotService': standard('Snapshot', 'Snapshots', build, operate),
  'tessera.metadata.v1.DictionaryService': standard('Dictionary', 'Dictionaries', build, operate),
  'tessera.metadata.v1.HostService': standard('Host', 'Hosts', operate, operate),
  'tessera.metadata.v1.StorageNodeService': standard(
    'StorageNode',
    'StorageNodes',
    operate,
    operate,
  ),
  'tessera.metadata.v1.DeploymentService': standard(
    'Deployment',
    'Deployments',
    operate,
    administer,
  ),
  'tessera.metadata.v1.OperationRecordService': {
    ...standard('OperationRecord', 'OperationRecords', operate, operate),
    ...each(['WriteJournalEntry', 'ListJournalEntries'], operate),
  },
  'tessera.access.v1.UserService': standard('User', 'Users', administer, administer),
  'tessera.access.v1.GroupService': standard('Group', 'Groups', administer, administer),
  'tessera.access.v1.RoleService': standard('Role', 'Roles', administer, administer),
  'tessera.access.v1.PolicyService': standard('Policy', 'Policies', administer, administer),
  'tessera.access.v1.AuthenticationService': {
    Login: 'public',
    ...each(['SetPassword', 'CreateApiToken', 'RevokeApiToken', 'WhoAmI'], 'signed in'),
  },
  'tessera.query.v1.QueryService': {
    ...each(['ExecuteQuery', 'ExplainQuery', 'ListTables', 'PreviewTable'], part),
    ListSegmentFreshness: build,
    ...each(['CancelQuery', 'ListQueries', 'GetQueryStatistics'], operate),
  },
  'tessera.scheduler.v1.BuildService': each(
    [
      'BuildSegments',
      'RefreshSegments',
      'MergeSegments',
      'DropSegments',
      'PlanCube',
      'RunMaintenance',
    ],
    build,
  ),
  'tessera.storage.v1.StorageService': each(
    [
      'ScanCuboid',
      'ReadSnapshot',
      'PrepareIngest',
      'CommitIngest',
      'AbortIngest',
      'LocateFiles',
      'DropLayouts',
      'WarmUp',
      'PinLayouts',
      'GetStats',
      'VerifyFiles',
      'FindMissingFiles',
      'DeleteUnreferenced',
    ],
    operate,
  ),
  'tessera.storage.v1.TransferService': each(
    ['ReadFile', 'PullFiles', 'StoreDeep', 'DeleteUnreferencedDeep'],
    operate,
  ),
  'tessera.metadata.v1.MaintenanceService': each(
    ['CompactRevisions', 'GetStoreStatus', 'CheckStore'],
    operate,
  ),
  // A backup holds what passwords are checked by; a restored one says who may do what.
  'tessera.metadata.v1.BackupService': each(['CreateBackup', 'RestoreBackup'], administer),
  'tessera.host.v1.HostService': {
    ...each(['GetHost', 'GetProcess', 'ListProcesses', 'WatchProcesses', 'ReadLogs'], operate),
    ...each(['StopProcess', 'DeleteProcess'], operate),
    ...each(['GetArtifact', 'ListArtifacts', 'DeleteArtifact'], operate),
    // Whoever says what runs on a machine can read there whatever the platform keeps. So does a deployment.
    ...each(['StartProcess', 'PutArtifact'], administer),
  },
  'tessera.coordination.v1.LeaseService': each(
    ['AcquireLease', 'RenewLease', 'ReleaseLease', 'GetLease'],
    operate,
  ),
  'google.longrunning.Operations': each(
    ['ListOperations', 'GetOperation', 'WaitOperation', 'CancelOperation', 'DeleteOperation'],
    follow,
  ),
  'grpc.health.v1.Health': each(['Check', 'Watch', 'List'], 'public'),
  'grpc.reflection.v1alpha.ServerReflection': { ServerReflectionInfo: 'signed in' },
  'grpc.reflection.v1.ServerReflection': { ServerReflectionInfo: 'signed in' },
};

/** @param path as gRPC has it: `/package.Service/Method`. `undefined`: denied. */
export function ruleOf(path: string): MethodRule | undefined {
  const [, service = '', method = ''] = path.split('/');
  const methods = Object.hasOwn(rules, service) ? rules[service]! : {};
  return Object.hasOwn(methods, method) ? methods[method] : undefined;
}

function standard(one: string, many: string, reading: MethodRule, writing: MethodRule) {
  return {
    ...each([`Get${one}`, `List${many}`, `Watch${many}`], reading),
    ...each([`Create${one}`, `Update${one}`, `Delete${one}`], writing),
  };
}

function each(methods: readonly string[], rule: MethodRule): Readonly<Record<string, MethodRule>> {
  return Object.fromEntries(methods.map((method) => [method, rule]));
}
