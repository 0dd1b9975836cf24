import { type AccessFunction, type ServiceKind, serviceKinds } from '@tessera/access';

/**
 * Who may call each method of each service. A method that is not listed is denied, and a test fails.
 *
 * Of users:
 * - `public`: everybody; `signed in`: any user, and the method looks further by itself; `none`: no user at all.
 * - `project`: one of the functions on all of every project that the request names, or on any where it names none.
 * - `part`: one of them on some part of the project; the statement is then narrowed to that part.
 * - `platform`: one of them on everything.
 *
 * Of daemons: the kinds that need it for their work. What would let somebody around the policies, such as reading
 * cuboids, or say what an answer is made of, such as publishing segments, is for daemons only.
 */
export interface MethodRule {
  readonly users: UserRule;
  readonly services: readonly ServiceKind[];
}

export type UserRule =
  | 'public'
  | 'signed in'
  | 'none'
  | {
      /** Any one of them is enough. */
      readonly needs: readonly AccessFunction[];
      readonly on: 'project' | 'part' | 'platform';
    };

const open: MethodRule = { users: 'public', services: [] };
const signedIn: MethodRule = { users: 'signed in', services: [] };
const model = usersWho('model', 'project');
const build = usersWho('build', 'project');
// Whoever operates sees what there is and in what state, and no value of the data.
const seeModelled = usersWho(['model', 'operate'], 'project');
const seeBuilt = usersWho(['build', 'operate'], 'project');
const follow = usersWho(['build', 'operate'], 'platform');
const cancel = usersWho('build', 'platform');
const part = usersWho('query', 'part');
const operate = usersWho('operate', 'platform');
const administer = usersWho('administer', 'platform');

const noUsers: MethodRule = { users: 'none', services: [] };
const everyDaemon = and(noUsers, ...serviceKinds);

const rules: Readonly<Record<string, Readonly<Record<string, MethodRule>>>> = {
  'tessera.metadata.v1.ProjectService': {
    ...reading('Project', 'Projects', and(model, 'scheduler', 'query')),
    ...writing('Project', administer),
  },
  'tessera.metadata.v1.SourceService': {
    ...reading('Source', 'Sources', and(model, 'scheduler', 'query')),
    // It names files and hosts that daemons read as themselves, past every policy: in any project, those of all.
    ...writing('Source', administer),
  },
  'tessera.metadata.v1.ModelService': {
    ...reading('Model', 'Models', and(seeModelled, 'scheduler', 'query')),
    ...writing('Model', model),
    ...each(['ListModelVersions', 'RollbackModel'], model),
  },
  'tessera.metadata.v1.CubeService': {
    ...reading('Cube', 'Cubes', and(seeModelled, 'scheduler', 'query')),
    ...writing('Cube', and(model, 'scheduler')),
  },
  'tessera.metadata.v1.SegmentService': {
    ...reading('Segment', 'Segments', and(seeBuilt, 'scheduler', 'query', 'storage')),
    ...writing('Segment', and(noUsers, 'scheduler')),
    PublishSegments: and(noUsers, 'scheduler'),
  },
  'tessera.metadata.v1.SnapshotService': {
    ...reading('Snapshot', 'Snapshots', and(build, 'scheduler', 'query', 'storage')),
    ...writing('Snapshot', and(noUsers, 'scheduler')),
  },
  'tessera.metadata.v1.DictionaryService': {
    ...reading('Dictionary', 'Dictionaries', and(build, 'scheduler', 'query', 'storage')),
    ...writing('Dictionary', and(noUsers, 'scheduler')),
  },
  'tessera.metadata.v1.HostService': {
    ...reading('Host', 'Hosts', and(operate, ...serviceKinds)),
    ...writing('Host', and(operate, 'host')),
  },
  'tessera.metadata.v1.DeploymentService': {
    ...reading('Deployment', 'Deployments', and(operate, 'scheduler', 'host')),
    ...writing('Deployment', and(administer, 'scheduler')),
    ...each(['GetDeploymentStatus', 'ListDeploymentStatuses'], and(operate, 'scheduler')),
    UpdateDeploymentStatus: and(noUsers, 'scheduler'),
    ListDeploymentVersions: operate,
    RollbackDeployment: administer,
  },
  // A Flink job runs whatever its jar does, on every host of its cluster.
  'tessera.flink.v1.FlinkClusterService': coordinated('FlinkCluster'),
  'tessera.flink.v1.FlinkJobService': coordinated('FlinkJob'),
  'tessera.flink.v1.FlinkScalingService': {
    ...each(['GetScalingDecision', 'ListScalingDecisions'], and(operate, 'scheduler')),
    ...each(['CreateScalingDecision', 'DeleteScalingDecision'], and(noUsers, 'scheduler')),
    ...each(['GetFlinkJobScaling', 'UpdateFlinkJobScaling'], and(noUsers, 'scheduler')),
  },
  'tessera.metadata.v1.StorageNodeService': {
    ...reading('StorageNode', 'StorageNodes', and(operate, 'scheduler', 'query', 'storage')),
    ...each(['CreateStorageNode', 'UpdateStorageNode'], and(operate, 'scheduler', 'storage')),
    DeleteStorageNode: and(operate, 'scheduler'),
  },
  'tessera.metadata.v1.OperationRecordService': {
    ...reading('OperationRecord', 'OperationRecords', and(operate, 'scheduler')),
    ...writing('OperationRecord', and(noUsers, 'scheduler')),
    WriteJournalEntry: and(noUsers, 'scheduler'),
    ListJournalEntries: and(operate, 'scheduler'),
  },
  'tessera.access.v1.UserService': standard('User', 'Users', administer),
  'tessera.access.v1.GroupService': standard('Group', 'Groups', administer),
  'tessera.access.v1.RoleService': standard('Role', 'Roles', administer),
  'tessera.access.v1.PolicyService': {
    ...reading('Policy', 'Policies', and(administer, 'query')),
    ...writing('Policy', administer),
  },
  'tessera.access.v1.AuthenticationService': {
    Login: open,
    ...each(['SetPassword', 'CreateApiToken', 'RevokeApiToken', 'WhoAmI'], signedIn),
    ResolveToken: everyDaemon,
  },
  'tessera.query.v1.QueryService': {
    ...each(['ExecuteQuery', 'ExplainQuery', 'ListTables', 'PreviewTable'], part),
    ListSegmentFreshness: seeBuilt,
    ListPolicyFaults: usersWho('administer', 'project'),
    ...each(['CancelQuery', 'ListQueries'], operate),
    GetQueryStatistics: and(operate, 'scheduler'),
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
  'tessera.scheduler.v1.ReplicationService': { GetReplication: operate },
  // It loads what is named, as writing a job does.
  'tessera.scheduler.v1.ScalingService': { CheckScaling: administer },
  'tessera.storage.v1.StorageService': {
    ...each(['ScanCuboid', 'ScanCuboids', 'ReadSnapshot'], and(noUsers, 'query', 'scheduler')),
    ...each(['PrepareIngest', 'CommitIngest', 'AbortIngest'], and(noUsers, 'scheduler')),
    ...each(['DropLayouts', 'DeleteUnreferenced'], and(noUsers, 'scheduler')),
    LocateFiles: and(operate, 'query', 'scheduler', 'storage'),
    ...each(['WarmUp', 'VerifyFiles', 'FindMissingFiles'], and(operate, 'scheduler', 'query')),
    GetStats: and(operate, 'query', 'scheduler'),
    PinLayouts: operate,
  },
  'tessera.storage.v1.TransferService': {
    ReadFile: and(noUsers, 'storage'),
    ...each(
      ['PullFiles', 'StoreDeep', 'ScrubDeep', 'DeleteUnreferencedDeep'],
      and(noUsers, 'scheduler'),
    ),
  },
  'tessera.metadata.v1.MaintenanceService': {
    ...each(['CompactRevisions', 'GetStoreStatus', 'CheckStore'], operate),
    GetInstallation: and(operate, ...serviceKinds),
  },
  // A backup holds what passwords are checked by; a restored one says who may do what.
  'tessera.metadata.v1.BackupService': each(['CreateBackup', 'RestoreBackup'], administer),
  'tessera.host.v1.HostService': {
    ...each(
      [
        ...['GetProcess', 'ListProcesses', 'WatchProcesses', 'ReadLogs'],
        ...['StopProcess', 'DeleteProcess', 'RestoreFiles'],
        ...['GetArtifact', 'ListArtifacts', 'DeleteArtifact'],
      ],
      and(operate, 'scheduler'),
    ),
    // Whoever says what runs on a machine can read there whatever the platform keeps. So does a deployment.
    ...each(
      ['StartProcess', 'PutArtifact', 'PullArtifact', 'WriteProbe', 'ReadProbe'],
      and(administer, 'scheduler'),
    ),
    GetHost: and(operate, 'scheduler', 'host'),
    // Hosts fetch from each other; the scheduler takes jars of jobs to Flink.
    ReadArtifact: and(noUsers, 'host', 'scheduler'),
  },
  'tessera.coordination.v1.LeaseService': each(
    ['AcquireLease', 'RenewLease', 'ReleaseLease', 'GetLease', 'WaitLease'],
    and(operate, ...serviceKinds),
  ),
  'google.longrunning.Operations': {
    ...each(['ListOperations', 'GetOperation', 'WaitOperation'], follow),
    ...each(['CancelOperation', 'DeleteOperation'], cancel),
  },
  'grpc.health.v1.Health': each(['Check', 'Watch', 'List'], open),
  'grpc.reflection.v1alpha.ServerReflection': { ServerReflectionInfo: signedIn },
  'grpc.reflection.v1.ServerReflection': { ServerReflectionInfo: signedIn },
};

/** @param path as gRPC has it: `/package.Service/Method`. `undefined`: denied. */
export function ruleOf(path: string): MethodRule | undefined {
  const [, service = '', method = ''] = path.split('/');
  const methods = Object.hasOwn(rules, service) ? rules[service]! : {};
  return Object.hasOwn(methods, method) ? methods[method] : undefined;
}

function usersWho(
  needs: AccessFunction | readonly AccessFunction[],
  on: 'project' | 'part' | 'platform',
): MethodRule {
  return { users: { needs: [needs].flat(), on }, services: [] };
}

/** The same of users, and these daemons. */
function and({ users }: MethodRule, ...services: readonly ServiceKind[]): MethodRule {
  return { users, services };
}

function standard(one: string, many: string, rule: MethodRule) {
  return { ...reading(one, many, rule), ...writing(one, rule) };
}

/** What people want and the scheduler brings about, with versions, and a status that only the scheduler writes. */
function coordinated(one: string) {
  return {
    ...reading(one, `${one}s`, and(operate, 'scheduler')),
    ...writing(one, and(administer, 'scheduler')),
    [`List${one}Versions`]: operate,
    [`Rollback${one}`]: administer,
    ...reading(`${one}Status`, `${one}Statuses`, and(operate, 'scheduler')),
    ...each([`Update${one}Status`, `Delete${one}Status`], and(noUsers, 'scheduler')),
  };
}

function reading(one: string, many: string, rule: MethodRule) {
  return each([`Get${one}`, `List${many}`, `Watch${many}`], rule);
}

function writing(one: string, rule: MethodRule) {
  return each([`Create${one}`, `Update${one}`, `Delete${one}`], rule);
}

function each(methods: readonly string[], rule: MethodRule): Readonly<Record<string, MethodRule>> {
  return Object.fromEntries(methods.map((method) => [method, rule]));
}
