import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

export function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

/** Runs a command in this terminal. @throws Error when it fails */
export async function show([program, ...args]: readonly string[]): Promise<void> {
  const child = spawn(program!, args, { stdio: 'inherit' });
  const [code] = (await once(child, 'exit')) as [number | null];
  if (code !== 0) throw new Error(`${args.join(' ')} has ended with ${code}.`);
}

/** Lines that a command prints, as it prints them, for so long. @throws Error when it ends before */
export async function* linesOf(
  [program, ...args]: readonly string[],
  { forMs }: { readonly forMs: number },
): AsyncGenerator<string> {
  const child = spawn(program!, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const exit = once(child, 'exit');
  let isEnough = false;
  const enough = setTimeout(() => {
    isEnough = true;
    child.kill('SIGINT');
  }, forMs);
  try {
    yield* createInterface({ input: child.stdout });
    const [code] = (await exit) as [number | null];
    if (!isEnough) throw new Error(`${args.join(' ')} has ended with ${code}.`);
  } finally {
    clearTimeout(enough);
    child.kill('SIGINT');
  }
}
