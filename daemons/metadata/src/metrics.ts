import { defineMetrics, secondsBuckets } from '@tessera/telemetry';

/** What the metadata daemon counts. */
export const metadataMetrics = defineMetrics({
  transactions: {
    name: 'tessera_metadata_transactions_total',
    kind: 'counter',
    unit: 'transactions',
    help: 'Transactions of the store by outcome: committed, conflict (a condition did not hold), failed.',
    labels: ['outcome'],
  },
  duration: {
    name: 'tessera_metadata_transaction_seconds',
    kind: 'histogram',
    unit: 'seconds',
    help: 'Time of a transaction until it was durable.',
    labels: [],
    buckets: secondsBuckets,
  },
  revision: {
    name: 'tessera_metadata_revision',
    kind: 'gauge',
    unit: 'revisions',
    help: 'Newest revision of the store.',
    labels: [],
  },
  watches: {
    name: 'tessera_metadata_watches',
    kind: 'gauge',
    unit: 'watches',
    help: 'Open watches of the store.',
    labels: [],
  },
  leases: {
    name: 'tessera_metadata_leases_total',
    kind: 'counter',
    unit: 'leases',
    help: 'Leases by what happened: granted, renewed, revoked, lost (renewed too late).',
    labels: ['event'],
  },
});
