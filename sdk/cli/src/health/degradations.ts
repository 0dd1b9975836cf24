/** Why a platform is not all that it should be, by codes that are never renamed, in words for its operator. */
export const degradations = {
  DAEMON_UNREACHABLE:
    'A service did not answer, so nothing is known of what it looks after. Start its daemon, or look into its log.',
  METADATA_READ_ONLY:
    'The metadata store takes no writes: questions are answered, but nothing is built, changed or noticed as new. The message says what to do; writes return by themselves then.',
  NO_LEADER:
    'No scheduler leads, so nothing is built, merged or retired. It passes within seconds of a start or fail-over; otherwise start a scheduler.',
  DEPLOYMENT_HALTED:
    'The wanted version of a daemon does not stay up somewhere; what ran before runs on elsewhere. `tessera host logs`, then apply a version that does, or `tessera deployment rollback`.',
  HOST_GONE:
    'A host has sent no heartbeat: its daemon is stopped, the machine is off, or it cannot reach metadata. Start the daemon; when the machine is gone for good, `tessera host forget`.',
  HOST_UNREACHABLE:
    'A host sends heartbeats, but does not answer here: is its port open, and are its certificates those of the others?',
  CLOCK_OFF:
    'The clock of a host differs from that of metadata by more than 5 s. Nothing that is answered or kept depends on it, but tokens and certificates begin and end at other times there, and times in logs mislead. Let NTP set it.',
  PROCESS_CRASH_LOOP:
    'Processes of a host end by themselves again and again. `tessera host logs HOST PROCESS --stderr` shows why.',
  DISK_NEARLY_FULL:
    "Less than a tenth of the disk of a host's folder is free. Free some, or move the folder: nothing new is started on a full disk.",
  SOURCE_UNREADABLE:
    'A source cannot be read: its tables are not answered unless cuboids cover all of the question. The message is that of its connector.',
  POLICY_DANGLING:
    'An access policy does not fit its table any more, so its role is denied the table. Mend the policy: `tessera apply`.',
  REPLICA_UNREACHABLE:
    'No storage node that is alive holds some segments, snapshots or dictionaries: questions about them fail with SEGMENT_UNREACHABLE until a node that holds them is back. Start it; nothing of it is deleted.',
  REPLICAS_TOO_FEW:
    'Some segments, snapshots or dictionaries are on fewer storage nodes than they shall be on. REPLICA_LOST passes by itself, as they are being copied; NODES_TOO_FEW until a storage node is added or comes back.',
  STORAGE_NODE_GONE:
    'A storage node sends no heartbeat. Start its daemon; if it never comes back, `tessera storage forget NODE`.',
  NODE_FILES_QUARANTINED:
    'A storage node has found files damaged and set them aside. It replaces them by itself from other nodes or deep storage, every `mend-interval`; when nobody has a whole copy, `tessera refresh CUBE` makes them again. Many of them: look after its disk.',
  DEEP_COPIES_MISSING:
    'Deep storage has no whole copy of some segments, snapshots or dictionaries, because they are new or their copy was found damaged. They are stored there as soon as a storage node that is alive holds them: otherwise look into the log of the scheduler for `replicas.copy-failed`.',
  PLACEMENT_LIMITED:
    'The storage nodes cannot hold everything as it is wished. The message says what is lacking.',
  SEGMENT_STALE:
    'The source has changed since segments were built: strict models read those ranges from the source, which is slower. `tessera refresh CUBE`.',
  FRESHNESS_UNKNOWN:
    'Whether segments are up to date cannot be told, because their source does not say.',
  CUBE_WITHOUT_SEGMENTS:
    'Nothing of a cube is built: every question reads the source. `tessera build CUBE`.',
  FILE_QUARANTINED:
    'Files of a layout were damaged and set aside; other layouts or the source answer. `tessera refresh CUBE` makes them again.',
  MEMORY_SHORT:
    'Layouts do not all fit into memory: those that are left out are scanned from files. Give more by `--memory`, or keep fewer cuboids.',
  OPERATION_FAILED:
    'The newest operation on a cube failed; the message is its own. Mend the cause and start it again.',
  DEPLOYMENT_WAITING:
    'A deployment is not as wanted yet, and waits: mostly for a host that is gone. `tessera deployment status` shows what.',
  DEPLOYMENT_DRIFT:
    'Somebody has started, stopped or changed a process of a deployment by hand. It is mended within seconds, unless the deployment is paused.',
  QUERIES_QUEUED:
    'Statements wait for a place. It passes by itself, unless long ones hold all places: `tessera status` shows how many run.',
} as const;

export type DegradationReason = keyof typeof degradations;
