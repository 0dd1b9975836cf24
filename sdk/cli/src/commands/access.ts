import { readFileSync } from 'node:fs';
import { resourceIdOf } from '@tessera/base';
import type { query } from '@tessera/proto';
import type { Command } from 'commander';
import { readText } from '../arguments.ts';
import type { CommandContext } from '../context.ts';
import type { Runner } from '../runner.ts';

const passwordHelp = "file of the password, '-' for standard input";

/** login, whoami, password, token: who one is; access: whether the rules are what they say. */
export function accessCommands(program: Command, run: Runner): void {
  program
    .command('login')
    .description('sign in: print a token that is good for a quarter of an hour')
    .argument('<user>')
    .option('--password-file <file>', passwordHelp, '-')
    .addHelpText('after', '\nExample:\n  export TESSERA_TOKEN=$(tessera login ann)\n')
    .action(
      run(async (context, user: string, { passwordFile }: { passwordFile: string }) => {
        const password = passwordOf(passwordFile);
        const { token } = await context.client.authentication.login({ user, password });
        context.say(token, { token });
      }),
    );

  program
    .command('whoami')
    .description('say whose token it is, and what roles he has')
    .addHelpText('after', '\nExample:\n  tessera whoami\n')
    .action(
      run(async (context) => {
        const { user, roles } = await context.client.authentication.whoAmI({});
        context.say(`${user || 'nobody'}: ${roles.join(', ') || 'no roles'}`, { user, roles });
      }),
    );

  program
    .command('password')
    .description("set a user's password: one's own, or as an administrator anybody's")
    .argument('<user>')
    .option('--password-file <file>', passwordHelp, '-')
    .addHelpText('after', '\nExample:\n  tessera password ann --password-file new.txt\n')
    .action(
      run(async (context, user: string, { passwordFile }: { passwordFile: string }) => {
        const password = passwordOf(passwordFile);
        await context.client.authentication.setPassword({ user, password });
        context.say(`password of ${user} set`, { user });
      }),
    );

  program
    .command('access')
    .description('the rules of who may see what')
    .command('check')
    .description(
      'look for policies that do not fit their tables, and so deny them; ends with 1 when there are any',
    )
    .addHelpText('after', '\nExample:\n  tessera access check\n')
    .action(run(checkPolicies));

  const token = program.command('token').description('API tokens, for programs');
  token
    .command('create')
    .description('make a token that is good for 90 days; it is shown this once')
    .argument('<user>', 'whom it acts as')
    .addHelpText('after', '\nExample:\n  tessera token create reporting\n')
    .action(
      run(async (context, user: string) => {
        const made = await context.client.authentication.createApiToken({ user });
        context.say(`${made.id} ${made.token}`, { id: made.id, token: made.token });
      }),
    );
  token
    .command('revoke')
    .description('revoke a token')
    .argument('<user>', 'whom it acts as')
    .argument('<id>', 'as create showed it')
    .addHelpText('after', '\nExample:\n  tessera token revoke reporting 0123456789ab\n')
    .action(
      run(async (context, user: string, id: string) => {
        await context.client.authentication.revokeApiToken({ user, id });
        context.say(`revoked ${id}`, { revoked: id });
      }),
    );
}

async function checkPolicies(context: CommandContext): Promise<void> {
  const { project, client, terminal, options } = context;
  const faults: query.PolicyFault[] = [];
  for (let pageToken = ''; ; ) {
    const page = await client.queries.listPolicyFaults({ project, pageSize: 1_000, pageToken });
    faults.push(...page.faults);
    pageToken = page.nextPageToken;
    if (pageToken === '') break;
  }
  const rows = faults.map(({ policy, field, description }) => [
    ...['POLICY_DANGLING', resourceIdOf(policy), field, description],
  ]);
  if (faults.length > 0 || options.json) {
    context.print(['REASON', 'POLICY', 'FIELD', 'WHAT IS WRONG'], rows, { faults });
  } else terminal.out('every policy fits its table\n');
  if (faults.length > 0) process.exitCode = 1;
}

/** Its first line: editors and echo end a file with a line break. */
function passwordOf(file: string): string {
  const text = file === '-' ? readFileSync(0, 'utf8') : readText(file);
  return text.split(/\r?\n/)[0]!;
}
