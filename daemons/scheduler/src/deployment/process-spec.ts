import { resourceIdOf } from '@tessera/base';
import { type metadata, host as wire } from '@tessera/proto';
import type { HostFacts } from '../hosts/observe-hosts.ts';
import { fingerprintOf, variables } from '../hosts/process-spec.ts';

/** Between a daemon of a deployment and the process that it is on a host. */

const { RESTART_MODE_ALWAYS } = wire.RestartMode;

export function processIdOf(deployment: string, daemon: string): string {
  return `${deployment}.${daemon}`;
}

/** How a daemon is run on a host. It is kept running whatever happens to it. */
export function specOn(
  { name, version }: metadata.Deployment,
  daemon: metadata.DaemonSpec,
  host: HostFacts,
): wire.ProcessSpec {
  const words = wordsOf(host);
  const spelt = (text: string) => text.replaceAll(/\{\{[^{}]*\}\}/g, (word) => words(word) ?? word);
  const environment = Object.entries(daemon.environment).map(([key, text]) => [key, spelt(text)]);
  const spec = wire.ProcessSpec.fromPartial({
    argv: [...daemon.argv, ...optionsOf(daemon)].map(spelt),
    environment: {
      ...Object.fromEntries(environment),
      [variables.owner]: resourceIdOf(name),
      ...(daemon.healthAddress !== '' && { [variables.health]: spelt(daemon.healthAddress) }),
      ...(daemon.version !== '' && { [variables.program]: daemon.version }),
    },
    restart: { mode: RESTART_MODE_ALWAYS },
    gracePeriod: daemon.gracePeriod,
    artifacts: daemon.artifacts,
    files: daemon.files.map(({ path, content }) => ({ path, content: spelt(content) })),
  });
  const marks = { [variables.fingerprint]: fingerprintOf(spec), [variables.version]: `${version}` };
  return { ...spec, environment: { ...spec.environment, ...marks } };
}

/** By name, so that the order in which they were written does not matter. */
function optionsOf({ options }: metadata.DaemonSpec): string[] {
  return Object.entries(options)
    .sort(byName)
    .flatMap(([name, { values }]) =>
      values.length === 0 ? [`--${name}`] : values.flatMap((value) => [`--${name}`, value]),
    );
}

function byName([a]: [string, unknown], [b]: [string, unknown]): number {
  return a < b ? -1 : 1;
}

/** What the words in a daemon's texts stand for on a host. */
function wordsOf(host: HostFacts): (word: string) => string | undefined {
  const known: Readonly<Record<string, string>> = {
    '{{host}}': resourceIdOf(host.name),
    '{{ip}}': host.address.slice(0, host.address.lastIndexOf(':')),
    '{{rack}}': host.rack,
  };
  return (word) => {
    const offset = /^\{\{port(?:\+(\d+))?\}\}$/.exec(word);
    return offset === null ? known[word] : `${host.firstPort + Number(offset[1] ?? 0)}`;
  };
}
