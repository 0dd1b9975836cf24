import { defineMetrics, secondsBuckets } from '@tessera/telemetry';

/** What the query daemon counts. */
export const queryMetrics = defineMetrics({
  queries: {
    name: 'tessera_queries_total',
    kind: 'counter',
    unit: 'queries',
    help: 'Statements that ended, by outcome (OK, or the reason of the error) and plan kind (none: it did not come as far as a plan).',
    labels: ['outcome', 'plan'],
  },
  duration: {
    name: 'tessera_query_duration_seconds',
    kind: 'histogram',
    unit: 'seconds',
    help: 'Time of a statement from its arrival to its last row, queueing included.',
    labels: ['plan'],
    buckets: secondsBuckets,
  },
  stage: {
    name: 'tessera_query_stage_seconds',
    kind: 'histogram',
    unit: 'seconds',
    help: 'Time of a statement in each stage: queue, plan (0 from the cache), execute.',
    labels: ['stage'],
    buckets: secondsBuckets,
  },
  planCache: {
    name: 'tessera_plan_cache_lookups_total',
    kind: 'counter',
    unit: 'lookups',
    help: 'Statements whose plan was found in the cache (hit) or had to be made (miss).',
    labels: ['result'],
  },
  running: {
    name: 'tessera_queries_running',
    kind: 'gauge',
    unit: 'queries',
    help: 'Statements that hold a place.',
    labels: [],
  },
  queued: {
    name: 'tessera_queries_queued',
    kind: 'gauge',
    unit: 'queries',
    help: 'Statements that wait for a place.',
    labels: [],
  },
  memory: {
    name: 'tessera_query_memory_bytes',
    kind: 'gauge',
    unit: 'bytes',
    help: 'Bytes of rows that statements hold: partial results, tables read through connectors, answers until they are sent.',
    labels: [],
  },
  segments: {
    name: 'tessera_segments',
    kind: 'gauge',
    unit: 'segments',
    help: 'Segments by state (building, ready, retired), as this query daemon knows them.',
    labels: ['state'],
  },
  metadataRevision: {
    name: 'tessera_query_metadata_revision',
    kind: 'gauge',
    unit: 'revisions',
    help: 'Newest metadata revision of a resource that this query daemon knows.',
    labels: [],
  },
  watchSilence: {
    name: 'tessera_query_watch_silence_seconds',
    kind: 'gauge',
    unit: 'seconds',
    help: 'Time since metadata last said anything on the quietest watch, the lag at most; more than some 10 seconds means that it is lost.',
    labels: [],
  },
});
