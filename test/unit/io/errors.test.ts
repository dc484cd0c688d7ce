import { describe, expect, test } from 'vitest';
import { errnoName, errorCode, formatEndpoint, portError, portErrorFrom } from '../../../agents/io/errors.ts';

describe('port errors', () => {
  test('name what failed, the cause in words and its code', () => {
    const error = portError('listen on 127.1.0.1:179', 'EACCES');
    expect(error.message).toBe('cannot listen on 127.1.0.1:179: permission denied (EACCES)');
    expect(error.code).toBe('EACCES');
    expect(portError('x', 'EPERM', 'this needs root').message).toBe(
      'cannot x: operation not permitted (EPERM); this needs root',
    );
    expect(portError('x', 'EODD').message).toBe('cannot x: EODD');
  });

  test('take code or message from what was thrown', () => {
    expect(portErrorFrom('x', Object.assign(new Error('?'), { code: 'ENOENT' })).message).toBe(
      'cannot x: no such file or directory (ENOENT)',
    );
    expect(portErrorFrom('x', new Error('odd')).message).toBe('cannot x: odd');
    expect(portErrorFrom('x', 'text').message).toBe('cannot x: text');
    expect(errorCode(new Error('odd'))).toBe('odd');
  });

  test('errno numbers have names, also where libuv knows none', () => {
    expect([1, 13, 77, 4242].map(errnoName)).toEqual(['EPERM', 'EACCES', 'EBADFD', 'ERRNO_4242']);
  });

  test('endpoints are written so that address and port cannot be confused', () => {
    expect(formatEndpoint({ address: '127.0.0.1', port: 179 })).toBe('127.0.0.1:179');
    expect(formatEndpoint({ address: '2001:db8::1', port: 179 })).toBe('[2001:db8::1]:179');
  });
});
