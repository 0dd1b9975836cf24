import { resourceIdOf } from '@tessera/base';
import type { scheduler } from '@tessera/proto';
import { formatBytes, formatCount, formatTable } from './table.ts';

/** How storage nodes are shown to people. */

export const storageNodeHeadings = [
  'NODE',
  'STATE',
  'ITEMS',
  'BYTES',
  'TO COPY',
  'DAMAGED',
  'NOTES',
];

export function storageNodeTable(nodes: readonly scheduler.NodeReplication[]): string {
  return formatTable(storageNodeHeadings, nodes.map(storageNodeRow));
}

export function storageNodeRow(node: scheduler.NodeReplication): string[] {
  return [
    resourceIdOf(node.node),
    node.alive ? 'alive' : 'gone',
    formatCount(node.itemCount),
    formatBytes(node.bytes),
    node.pendingCount === 0n
      ? ''
      : `${formatCount(node.pendingCount)} (${formatBytes(node.pendingBytes)})`,
    node.quarantinedFiles === 0n ? '' : formatCount(node.quarantinedFiles),
    notesOf(node),
  ];
}

function notesOf({ draining, removable }: scheduler.NodeReplication): string {
  if (!draining) return '';
  return removable ? 'drained: safe to remove' : 'draining';
}
