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
  const status = await statusOf(address, tls).catch(() => undefined);
  return status?.leader !== undefined && status.leader === status.header?.member_id;
}

interface Status {
  readonly leader?: string;
  readonly header?: { readonly member_id?: string };
}

function statusOf(address: string, tls: Tls): Promise<Status> {
  const files = {
    ca: readFileSync(tls.ca),
    cert: readFileSync(tls.cert),
    key: readFileSync(tls.key),
  };
  return new Promise((resolve, reject) => {
    const asked = request(
      `https://${address}/v3/maintenance/status`,
      { ...files, method: 'POST', timeout: timeoutMs, agent: false },
      (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (more) => (text += more));
        response.on('end', () => resolve(JSON.parse(text)));
      },
    );
    asked.on('timeout', () => asked.destroy(new Error(`etcd at ${address} says nothing`)));
    asked.on('error', reject);
    asked.end('{}');
  });
}
