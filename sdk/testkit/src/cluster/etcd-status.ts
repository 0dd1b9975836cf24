import { readFileSync } from 'node:fs';
import { request } from 'node:https';

interface Tls {
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

const timeoutMs = 1_000;

/** Whether a member of etcd says that it leads; also false when it says nothing. */
export async function leadsEtcd(address: string, tls: Tls): Promise<boolean> {
  const status = await ask<Status>(address, 'maintenance/status', tls).catch(() => undefined);
  return status?.leader !== undefined && status.leader === status.header?.member_id;
}

/** Leases that were granted for at most so long. @throws when no member says it */
export async function leaseCountOfEtcd(
  addresses: readonly string[],
  { tls, grantedSeconds }: { readonly tls: Tls; readonly grantedSeconds: number },
): Promise<number> {
  const any = <Answer>(method: string, body: object = {}) =>
    Promise.any(addresses.map((address) => ask<Answer>(address, method, tls, body)));
  const { leases = [] } = await any<{ readonly leases?: readonly Lease[] }>('lease/leases');
  const granted = await Promise.all(
    leases.map(async ({ ID }) => (await any<Granted>('lease/timetolive', { ID })).grantedTTL),
  );
  return granted.filter((seconds) => Number(seconds ?? 0) <= grantedSeconds).length;
}

interface Lease {
  readonly ID: string;
}

interface Granted {
  /** Absent: it has ended meanwhile. */
  readonly grantedTTL?: string;
}

interface Status {
  readonly leader?: string;
  readonly header?: { readonly member_id?: string };
}

/** By the JSON gateway of a member. */
function ask<Answer>(address: string, method: string, tls: Tls, body: object = {}) {
  const files = {
    ca: readFileSync(tls.ca),
    cert: readFileSync(tls.cert),
    key: readFileSync(tls.key),
  };
  return new Promise<Answer>((resolve, reject) => {
    const asked = request(
      `https://${address}/v3/${method}`,
      { ...files, method: 'POST', timeout: timeoutMs, agent: false },
      (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (more) => (text += more));
        response.on('end', () => {
          if (response.statusCode === 200) resolve(JSON.parse(text));
          else reject(new Error(`etcd at ${address} answers ${text}`));
        });
      },
    );
    asked.on('timeout', () => asked.destroy(new Error(`etcd at ${address} says nothing`)));
    asked.on('error', reject);
    asked.end(JSON.stringify(body));
  });
}
