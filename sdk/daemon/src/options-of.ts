import { type ParseArgsConfig, parseArgs } from 'node:util';
import { messageOf } from '@tessera/base';
import { endProcess } from './end-process.ts';

type Options = NonNullable<ParseArgsConfig['options']>;

/**
 * What the arguments of this process say of a daemon's options. `--help` prints all of them with their defaults and ends the
 * process with 0; what cannot be read ends it with 1 and BAD_ARGUMENT.
 */
export function optionsOf<const T extends Options>(daemon: string, options: T) {
  if (process.argv.slice(2).some((argument) => argument === '--help' || argument === '-h')) {
    console.log(usageOf(daemon, options));
    endProcess();
  }
  try {
    return parseArgs<{ options: T }>({ options }).values;
  } catch (error) {
    const hint = `See 'tessera daemon ${daemon} --help'.`;
    console.error(`BAD_ARGUMENT: ${messageOf(error)}\n${hint}`);
    process.exitCode = 1;
    endProcess();
  }
}

function usageOf(daemon: string, options: Options): string {
  const lines = Object.entries(options)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, option]) => `  ${lineOf(name, option)}`);
  return [`Usage: tessera daemon ${daemon} [options]`, '', 'Options:', ...lines].join('\n');
}

function lineOf(name: string, option: Options[string]): string {
  const value = option.type === 'boolean' ? '' : ' <value>';
  const often = option.multiple === true ? ', several times' : '';
  const given = option.default === undefined ? '' : String(option.default);
  const by = given === '' ? '' : ` (default: ${given})`;
  return `--${name}${value}${often}${by}`;
}
