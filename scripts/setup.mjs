// Makes a clone ready to run: installs packages and generates code from the protos when that has not been
// done since they changed. Uses only Node's own modules, because it runs before anything is installed.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';

const root = join(import.meta.dirname ?? new URL('.', import.meta.url).pathname, '..');
const modifiedMs = (path) => (existsSync(path) ? statSync(path).mtimeMs : 0);

const installed = join(root, 'node_modules', '.package-lock.json');
if (modifiedMs(installed) < modifiedMs(join(root, 'package-lock.json'))) {
  console.log('Installing packages (once, about half a minute) …');
  run('npm', ['install', '--no-audit', '--no-fund']);
}

const generated = [
  { from: 'proto', to: 'sdk/proto/tessera.binpb' },
  { from: 'daemons/metadata/proto', to: 'daemons/metadata/src/gen/etcd.ts' },
];
if (generated.some(({ from, to }) => modifiedMs(join(root, to)) < newestMs(join(root, from)))) {
  console.log('Generating code from the protos …');
  run('npm', ['run', '--silent', 'gen']);
}

function newestMs(folder) {
  const times = readdirSync(folder, { withFileTypes: true }).map((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return newestMs(path);
    return entry.name.endsWith('.proto') ? modifiedMs(path) : 0;
  });
  return Math.max(0, ...times);
}

function run(command, args) {
  const { status } = spawnSync(command, args, { cwd: root, stdio: 'inherit' });
  if (status === 0) return;
  console.error(`\n'${command} ${args.join(' ')}' failed (exit ${status}); see above.`);
  process.exit(1);
}
