import type { Command } from 'commander';
import type { Runner } from '../runner.ts';
import { storageNodeHeadings, storageNodeRow } from '../storage-node-view.ts';

/** storage nodes, drain, undrain, forget: the storage daemons that segments are placed on. */
export function storageNodeCommands(storage: Command, run: Runner): void {
  storage
    .command('nodes')
    .description('list storage nodes: what each holds, what is still to be copied to it')
    .addHelpText('after', '\nExample:\n  tessera storage nodes\n')
    .action(
      run(async (context) => {
        const replication = await context.client.replication.getReplication({});
        context.print(storageNodeHeadings, replication.nodes.map(storageNodeRow), replication);
        if (context.options.json) return;
        for (const { item, aliveReplicas, wantedReplicas, reason } of replication.degradedItems) {
          const held = `${aliveReplicas.length} of ${wantedReplicas}`;
          context.terminal.out(`${item} has ${held} replicas: ${reason}\n`);
        }
        for (const { message } of replication.conditions) context.terminal.out(`${message}\n`);
      }),
    );

  for (const [word, draining] of [
    ['drain', true],
    ['undrain', false],
  ] as const) {
    storage
      .command(word)
      .description(
        draining
          ? 'copy what a storage node holds elsewhere, until it is safe to remove'
          : 'let a storage node hold segments again',
      )
      .argument('<node>')
      .addHelpText('after', `\nExample:\n  tessera storage ${word} node3\n`)
      .action(
        run(async (context, id: string) => {
          const storageNode = { name: nodeName(id), draining };
          const updateMask = ['draining'];
          const node = await context.client.storageNodes.updateStorageNode({
            storageNode,
            updateMask,
          });
          const then = draining ? "; 'tessera storage nodes' tells when it is safe to remove" : '';
          context.say(`${draining ? 'draining' : 'no longer draining'} ${id}${then}`, node);
        }),
      );
  }

  storage
    .command('forget')
    .description(
      'delete a storage node that is gone for good; what it held is copied from elsewhere',
    )
    .argument('<node>')
    .addHelpText('after', '\nExample:\n  tessera storage forget node3\n')
    .action(
      run(async (context, id: string) => {
        await context.client.storageNodes.deleteStorageNode({ name: nodeName(id) });
        context.say(`forgot ${id}`, { deleted: nodeName(id) });
      }),
    );
}

function nodeName(node: string): string {
  return node.startsWith('storageNodes/') ? node : `storageNodes/${node}`;
}
