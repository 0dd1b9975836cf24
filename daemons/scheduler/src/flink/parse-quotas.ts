import { parseSize } from '@tessera/cube';
import type { Quota } from '@tessera/flink';
import { quotaInvalid } from '../errors.ts';

/** More than teams that share one platform. */
const maxQuotas = 1_000;

/** What each resource of a quota is written as; below a million slots and processors. */
const resources: Readonly<Record<string, { key: keyof Quota; valueOf(text: string): number }>> = {
  slots: { key: 'slots', valueOf: (text) => (/^\d{1,6}$/.test(text) ? Number(text) : NaN) },
  cpu: {
    key: 'cpuMillis',
    valueOf: (text) =>
      /^\d{1,6}(\.\d{1,3})?$/.test(text) ? Math.round(Number(text) * 1_000) : NaN,
  },
  memory: { key: 'memoryBytes', valueOf: (text) => Number(parseSize(text) ?? NaN) },
};

/**
 * Quotas by name, each from an option such as `team=slots:16,cpu:8,memory:32GiB`.
 * @throws FLINK_QUOTA_INVALID
 */
export function parseQuotas(texts: readonly string[]): ReadonlyMap<string, Quota> {
  const quotas = new Map<string, Quota>();
  for (const text of texts) {
    const end = text.lastIndexOf('=');
    const name = text.slice(0, Math.max(0, end));
    if (name === '') throw quotaInvalid(text, 'it has no name');
    if (quotas.has(name)) throw quotaInvalid(text, `${name} is declared twice`);
    if (quotas.size === maxQuotas) throw quotaInvalid(text, `there are ${maxQuotas} already`);
    quotas.set(name, quotaOf(text, text.slice(end + 1).split(',')));
  }
  return quotas;
}

function quotaOf(text: string, parts: readonly string[]): Quota {
  const quota: Partial<Record<keyof Quota, number>> = {};
  for (const part of parts) {
    const [word = '', amount = ''] = part.split(/:(.*)/s);
    const resource = Object.hasOwn(resources, word) ? resources[word]! : undefined;
    const value = resource?.valueOf(amount) ?? NaN;
    if (resource === undefined || Number.isNaN(value)) {
      throw quotaInvalid(text, `${JSON.stringify(part)} is no amount of slots, cpu or memory`);
    }
    if (resource.key in quota) throw quotaInvalid(text, `${word} is there twice`);
    quota[resource.key] = value;
  }
  return quota;
}
