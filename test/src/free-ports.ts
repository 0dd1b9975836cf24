import { createServer } from 'node:net';

/** Below the ports that the kernel gives away by itself, so that nobody takes them in the meantime by chance. */
const [lowest, highest] = [12_000, 31_000];

/** The first of so many ports in a row on which nothing listens on loopback. */
export async function freePorts(count: number): Promise<number> {
  for (let tries = 0; tries < 1_000; tries++) {
    const first = lowest + Math.floor(Math.random() * (highest - lowest - count));
    const ports = Array.from({ length: count }, (_, i) => first + i);
    if ((await Promise.all(ports.map(isFree))).every(Boolean)) return first;
  }
  throw new Error(`there are no ${count} free ports in a row`);
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}
