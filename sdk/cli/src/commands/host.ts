import { resourceIdOf } from '@tessera/base';
import { listAll } from '@tessera/client';
import type { metadata } from '@tessera/proto';
import type { Command } from 'commander';
import { connectTo, getHost, hostName, isAlive } from '../host-connection.ts';
import { diskBytes, diskRows, hostFacts, hostState, labelsOf } from '../host-view.ts';
import type { Runner } from '../runner.ts';
import { formatBytes, formatTable } from '../table.ts';
import { hostDrainCommands } from './host-drain.ts';
import { hostProcessCommands } from './host-processes.ts';

/** host: the machines of the platform, and what runs on them. */
export function hostCommands(program: Command, run: Runner): void {
  const host = program.command('host').description('machines: what they have and what runs there');

  host
    .command('list', { isDefault: true })
    .description('list hosts, and whether each is alive')
    .addHelpText('after', '\nExample:\n  tessera host list\n')
    .action(
      run(async (context) => {
        const { resources } = await listAll(context.client, 'hosts');
        const found: (metadata.Host & { readonly isAlive: boolean })[] = [];
        for (const one of resources) {
          found.push({ ...one, isAlive: await isAlive(context, one) });
        }
        context.print(
          ['HOST', 'STATE', 'RACK', 'ADDRESS', 'CPUS', 'MEMORY', 'DISK', 'LABELS'],
          found.map((one) => [
            resourceIdOf(one.name),
            hostState(one, one.isAlive),
            one.rack,
            one.address,
            String(one.inventory?.cpuCount ?? 0),
            formatBytes(one.inventory?.memoryBytes ?? 0n),
            formatBytes(diskBytes(one)),
            labelsOf(one),
          ]),
          found,
        );
      }),
    );

  host
    .command('show')
    .description('what a host has, and what of it is free')
    .argument('<host>')
    .addHelpText('after', '\nExample:\n  tessera host show node3\n')
    .action(
      run(async (context, id: string) => {
        const registered = await getHost(context, id);
        const alive = await isAlive(context, registered);
        using connection = alive ? connectTo(context, registered) : undefined;
        const now = await connection?.host.getHost({});
        const { freeMemoryBytes, freeDiskBytes, usedPorts } = now ?? {};
        const free = now && { freeMemoryBytes, freeDiskBytes, usedPorts };
        if (context.options.json) {
          context.say('', { ...registered, isAlive: alive, ...free });
          return;
        }
        const facts = hostFacts(registered, alive);
        if (now !== undefined) {
          facts.push(['memory free', formatBytes(now.freeMemoryBytes)]);
          facts.push(['disk free', formatBytes(now.freeDiskBytes)]);
          facts.push(['ports used', now.usedPorts.join(', ') || 'none']);
        }
        const { out } = context.terminal;
        out(facts.map(([what, text]) => `${`${what.padEnd(12)}${text}`.trimEnd()}\n`).join(''));
        const headings = ['MOUNT', 'DEVICE', 'FILE SYSTEM', 'KIND', 'BYTES', 'NOTES'];
        out(`\n${formatTable(headings, diskRows(registered))}`);
      }),
    );

  hostProcessCommands(host, run);
  hostDrainCommands(host, run);

  host
    .command('forget')
    .description('delete a host that is gone, so that another machine may have its name')
    .argument('<host>')
    .addHelpText('after', '\nExample:\n  tessera host forget node3\n')
    .action(
      run(async (context, id: string) => {
        await context.client.hosts.deleteHost({ name: hostName(id) });
        context.say(`forgot ${id}`, { deleted: hostName(id) });
      }),
    );
}
