import { parentPort, workerData } from 'node:worker_threads';
import { invariant, messageOf } from '@tessera/base';
import type { ScalingStrategy, ScalingVeto } from '@tessera/plugin';
import type { ScalingInput, ScalingProposal } from '@tessera/scaling';
import { jsonLogger } from '../logger.ts';
import { PluginHost } from '../plugin-host.ts';
import type { PluginCall, PluginReply, PluginWorkerSettings } from './plugin-worker-messages.ts';

/** Runs one strategy or veto: its code is loaded here and nowhere else, so that it hangs nobody but this thread. */
invariant(parentPort !== null, 'This file is run as a worker.');
const port = parentPort;
const { entry, logLevel, ...folders } = workerData as PluginWorkerSettings;

const host = new PluginHost({ log: jsonLogger(entry.name, logLevel), ...folders });
try {
  const { instance, version, config } = await host.loadDescribed(entry);
  port.on('message', (call: PluginCall) => reply(() => run(instance, call)));
  const options = JSON.stringify(config);
  port.postMessage({ kind: 'ready', version, options } satisfies PluginReply);
} catch (error) {
  port.postMessage({ kind: 'threw', message: messageOf(error) } satisfies PluginReply);
}

function run(plugin: ScalingStrategy | ScalingVeto, call: PluginCall): unknown {
  if (call.method === 'review') {
    return (plugin as ScalingVeto).review(call.proposal as ScalingProposal);
  }
  const learned: unknown = call.learned === undefined ? undefined : JSON.parse(call.learned);
  return (plugin as ScalingStrategy).decide(call.input as ScalingInput, learned);
}

/** What cannot be sent, such as a function or a promise, is an answer that threw. */
function reply(answer: () => unknown): void {
  try {
    port.postMessage({ kind: 'answer', value: answer() } satisfies PluginReply);
  } catch (error) {
    port.postMessage({ kind: 'threw', message: messageOf(error) } satisfies PluginReply);
  }
}
