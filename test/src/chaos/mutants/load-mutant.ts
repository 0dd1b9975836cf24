import { registerHooks } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { mutantNamed, mutate } from './mutants.ts';

/** Loaded into a daemon before its own code: one of its files is then read with a mistake in it. */
const root = join(import.meta.dirname, '..', '..', '..', '..');
const mutant = mutantNamed(process.env['TESSERA_TEST_MUTANT'] ?? '');
const wanted = pathToFileURL(join(root, mutant.file)).href;

registerHooks({
  load: (url, context, nextLoad) => {
    const loaded = nextLoad(url, context);
    if (url !== wanted) return loaded;
    console.warn(`mutant ${mutant.name} is loaded`);
    return { ...loaded, source: mutate(mutant, String(loaded.source)) };
  },
});
