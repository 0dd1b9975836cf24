import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { looksSecret, redacted, withoutSecrets } from './redact.ts';

const secretKeys = [
  ...['password', 'DB_PASSWORD', 'passwd', 'clientSecret', 'apiKey', 'api_key', 'accessToken'],
  ...['private_key', 'aws-access-key', 'authorization', 'connectionString', 'credentials'],
];
const harmlessKeys = ['name', 'path', 'tables', 'rows', 'message', 'columns', 'grain'];

/** Texts that nothing else in a tree contains. */
const secretText = fc.uuid().map((id) => `s3cr3t-${id}`);

interface Tree {
  readonly value: unknown;
  readonly secrets: readonly string[];
}

const leaf: fc.Arbitrary<Tree> = fc.oneof(
  fc.string().map((value) => ({ value, secrets: [] })),
  fc.bigInt().map((value) => ({ value, secrets: [] })),
  fc.constant({ value: null, secrets: [] }),
);
/** What stands under a secret's key, with the texts in it. */
const hidden: fc.Arbitrary<Tree> = fc.oneof(
  secretText.map((value) => ({ value, secrets: [value] })),
  fc.array(secretText, { maxLength: 3 }).map((value) => ({ value, secrets: value })),
  secretText.map((text) => ({ value: { inner: { deep: text } }, secrets: [text] })),
);
const { tree } = fc.letrec<{ tree: Tree }>((tie) => ({
  tree: fc.oneof(
    { maxDepth: 4 },
    leaf,
    fc.array(tie('tree'), { maxLength: 3 }).map((trees) => ({
      value: trees.map(({ value }) => value),
      secrets: trees.flatMap(({ secrets }) => secrets),
    })),
    fc
      .tuple(
        fc.dictionary(fc.constantFrom(...harmlessKeys), tie('tree'), { maxKeys: 4 }),
        fc.dictionary(fc.constantFrom(...secretKeys), hidden, { maxKeys: 3 }),
      )
      .map(([plain, secret]) => {
        const all = Object.entries({ ...plain, ...secret });
        return {
          value: Object.fromEntries(all.map(([key, { value }]) => [key, value])),
          secrets: all.flatMap(([, { secrets }]) => secrets),
        };
      }),
  ),
}));

describe('redaction', () => {
  test('leaves no value of a key that looks secret, wherever else it stands', () => {
    fc.assert(
      fc.property(tree, ({ value, secrets }) => {
        const messages = secrets.map((secret) => `cannot log in with ${secret} today`);
        const printed = JSON.stringify(redacted({ config: value, messages }));
        for (const secret of secrets) expect(printed).not.toContain(secret);
      }),
    );
  });

  test('keeps everything else as it is', () => {
    const harmless = { name: 'sales', tables: [{ path: 'sales.csv', rows: 4 }], more: null };
    expect(redacted(harmless)).toEqual(harmless);
  });

  test.each([
    { text: 'postgres://joe:hunter22@db:5432/x', kept: 'postgres://[removed]@db:5432/x' },
    { text: 'failed: password=hunter22;host=db', kept: 'failed: password=[removed];host=db' },
    { text: 'Authorization: Bearer hunter22', kept: 'Authorization: Bearer [removed]' },
  ])('takes the secret out of "$text"', ({ text, kept }) => {
    expect(redacted(text)).toBe(kept);
  });

  test('can leave alone what is no secret where it stands', () => {
    const config = { tables: { sales: { path: 'a.csv' }, sessions: { path: 'b.csv' } } };
    expect(withoutSecrets({ ...config, password: 'sales', host: 'sales' })).toEqual({
      tables: { sales: { path: 'a.csv' }, sessions: '[removed]' },
      ...{ password: '[removed]', host: 'sales' },
    });
  });

  test.each(secretKeys)('%s looks secret', (key) => expect(looksSecret(key)).toBe(true));
  test.each(harmlessKeys)('%s does not', (key) => expect(looksSecret(key)).toBe(false));
});
