import { createHash, createHmac } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { isPassword, scramVerifier } from './scram.ts';

const hmac = (key: Buffer, text: string) => createHmac('sha256', key).update(text).digest();

describe('a verifier', () => {
  test('is what the exchange of RFC 7677 is made with', async () => {
    const salt = Buffer.from('W22ZaJ0SNY7soEsUEjb6gQ==', 'base64');
    const { storedKey, serverKey } = await scramVerifier('pencil', salt, 4096);
    const nonce = 'rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0';
    const exchange = `n=user,r=rOprNGfwEbeRWgbNEkqO,r=${nonce},s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096,c=biws,r=${nonce}`;
    const signature = hmac(Buffer.from(serverKey, 'base64'), exchange).toString('base64');
    expect(signature).toBe('6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=');
    const proof = Buffer.from('dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=', 'base64');
    const mask = hmac(Buffer.from(storedKey, 'base64'), exchange);
    const clientKey = proof.map((byte, i) => byte ^ mask[i]!);
    expect(createHash('sha256').update(clientKey).digest('base64')).toBe(storedKey);
  });

  test.each([
    { given: 'pa\u00dfwort 12', right: true },
    { given: 'pa\u00dfwort 1', right: false },
    { given: 'pa\u00dfwort\u00a012', right: true },
    { given: '', right: false },
  ])('takes $given: $right', async ({ given, right }) => {
    expect(await isPassword(await scramVerifier('pa\u00dfwort 12'), given)).toBe(right);
  });

  test('of the same password differs each time, and does not hold it', async () => {
    const [a, b] = await Promise.all([
      scramVerifier('correct horse'),
      scramVerifier('correct horse'),
    ]);
    expect(a!.storedKey).not.toBe(b!.storedKey);
    expect(JSON.stringify(a)).not.toContain('correct');
  });
});
