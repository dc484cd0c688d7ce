import { randomBytes, scrypt, timingSafeEqual } from 'node:crypto';
import type { PasswordHasher } from '../ports.ts';

/** Cost parameters of new hashes (RFC 7914): about 16 MiB and some 40 ms on a thread of its own. */
const COST = 2 ** 14;
const BLOCK = 8;
const PARALLEL = 1;
const SALT_LENGTH = 16;
const KEY_LENGTH = 32;

interface Parameters {
  readonly cost: number;
  readonly block: number;
  readonly parallel: number;
  readonly salt: Uint8Array;
  readonly length: number;
}

function derive(password: string, { cost, block, parallel, salt, length }: Parameters): Promise<Buffer> {
  const options = { N: cost, r: block, p: parallel, maxmem: 256 * cost * block };
  return new Promise((resolve, reject) => {
    scrypt(password, salt, length, options, (error, key) => (error === null ? resolve(key) : reject(error)));
  });
}

/** Passwords by scrypt, as `scrypt:<N>:<r>:<p>:<salt>:<key>` with base64. */
export function systemPasswords(): PasswordHasher {
  return {
    hash: async (password) => {
      const salt = randomBytes(SALT_LENGTH);
      const parameters = { cost: COST, block: BLOCK, parallel: PARALLEL, salt, length: KEY_LENGTH };
      const key = await derive(password, parameters);
      return ['scrypt', COST, BLOCK, PARALLEL, salt.toString('base64'), key.toString('base64')].join(':');
    },
    verify: async (password, hash) => {
      const [scheme, cost, block, parallel, salt, key] = hash.split(':');
      if (scheme !== 'scrypt' || salt === undefined || key === undefined) return false;
      const expected = Buffer.from(key, 'base64');
      const parameters = { cost: Number(cost), block: Number(block), parallel: Number(parallel) };
      const derived = await derive(password, {
        ...parameters,
        salt: Buffer.from(salt, 'base64'),
        length: expected.length,
      });
      return timingSafeEqual(derived, expected);
    },
  };
}
