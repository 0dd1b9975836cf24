import { defineMetrics, secondsBuckets } from '@tessera/telemetry';

/** What the storage daemon counts. */
export const storageMetrics = defineMetrics({
  scans: {
    name: 'tessera_scans_total',
    kind: 'counter',
    unit: 'scans',
    help: 'Scans of layouts by what was read: tiles in memory, or files.',
    labels: ['from'],
  },
  duration: {
    name: 'tessera_scan_duration_seconds',
    kind: 'histogram',
    unit: 'seconds',
    help: 'Time of a scan until its last batch was taken.',
    labels: ['from'],
    buckets: secondsBuckets,
  },
  running: {
    name: 'tessera_scans_running',
    kind: 'gauge',
    unit: 'scans',
    help: 'Scans of tiles that hold a place.',
    labels: [],
  },
  queued: {
    name: 'tessera_scans_queued',
    kind: 'gauge',
    unit: 'scans',
    help: 'Scans of tiles that wait for a place.',
    labels: [],
  },
  memory: {
    name: 'tessera_layouts_memory_bytes',
    kind: 'gauge',
    unit: 'bytes',
    help: 'Memory of the layouts that are held as tiles.',
    labels: [],
  },
  memoryBudget: {
    name: 'tessera_layouts_memory_budget_bytes',
    kind: 'gauge',
    unit: 'bytes',
    help: 'Memory that layouts may have.',
    labels: [],
  },
  inMemory: {
    name: 'tessera_layouts_in_memory',
    kind: 'gauge',
    unit: 'files',
    help: 'Files of layouts (one per segment) that are held as tiles.',
    labels: [],
  },
  transferred: {
    name: 'tessera_transferred_bytes_total',
    kind: 'counter',
    unit: 'bytes',
    help: 'Bytes of stored files that were copied: in from other daemons and deep storage, or out to them.',
    labels: ['direction'],
  },
  scrubbed: {
    name: 'tessera_scrubbed_bytes_total',
    kind: 'counter',
    unit: 'bytes',
    help: 'Bytes of stored files that the scrubber has read and found whole.',
    labels: [],
  },
  damaged: {
    name: 'tessera_files_damaged_total',
    kind: 'counter',
    unit: 'files',
    help: 'Stored files that the scrubber has found damaged.',
    labels: [],
  },
  mended: {
    name: 'tessera_files_mended_total',
    kind: 'counter',
    unit: 'files',
    help: 'Damaged files that were replaced by a whole copy.',
    labels: [],
  },
});
