import { describe, expect, test } from 'vitest';
import { decodeEchoReply, encodeEchoRequest } from '../../../agents/io/linux/echo-message.ts';
import { DecodeError } from '../../../protocol/bytes/decode-error.ts';
import { fromHex, toHex } from '../../../protocol/bytes/hex.ts';

const hex = (text: string): Uint8Array => fromHex(text.replaceAll(/\s/g, ''));

const FROM_ROUTER = '45000038 00000000 3d010000 0a000001 c0a80a01';
const QUOTED = '45000054 00004000 01010000 c0a80a01 c0a84202 0800 abcd 1234 0007';

describe('ICMP echo', () => {
  test('a request has type 8, identifier, sequence number and a right checksum', () => {
    expect(toHex(encodeEchoRequest(0x1234, 7, Uint8Array.of(0x61, 0x62, 0x63)))).toBe(
      '08002162123400076162' + '63',
    );
    const even = encodeEchoRequest(0xffff, 0xffff, new Uint8Array(1400).fill(0xff));
    let sum = 0;
    for (let i = 0; i < even.length; i += 2) sum += (even[i]! << 8) | even[i + 1]!;
    expect(sum % 0xffff).toBe(0);
  });

  test('a reply is read with its TTL and size', () => {
    const reply = hex('45000020 00000000 3e010000 c0a84202 c0a80a01 0000 abcd 1234 0007 61626364');
    expect(decodeEchoReply(reply)).toEqual({
      from: '192.168.66.2',
      type: 0,
      code: 0,
      id: 0x1234,
      seq: 7,
      ttl: 62,
      bytes: 12,
      destination: '192.168.66.2',
    });
  });

  test('an error is matched to the request that it quotes', () => {
    const answer = decodeEchoReply(hex(`${FROM_ROUTER} 0b00 abcd 00000000 ${QUOTED}`));
    expect(answer).toMatchObject({
      from: '10.0.0.1',
      type: 11,
      id: 0x1234,
      seq: 7,
      destination: '192.168.66.2',
    });
    expect(answer).not.toHaveProperty('mtu');
  });

  test('fragmentation needed tells the next-hop MTU', () => {
    const answer = decodeEchoReply(hex(`${FROM_ROUTER} 0304 abcd 0000 05aa ${QUOTED}`));
    expect(answer).toMatchObject({ type: 3, code: 4, mtu: 1450 });
  });

  test('requests of others, and errors about UDP or echo replies, are no answers', () => {
    const udp = QUOTED.replace('01010000', '01110000');
    const reply = QUOTED.replace('0800 abcd', '0000 abcd');
    expect(decodeEchoReply(hex(`${FROM_ROUTER} 0800 abcd 1234 0007`))).toBeUndefined();
    expect(decodeEchoReply(hex(`${FROM_ROUTER} 0301 abcd 00000000 ${udp}`))).toBeUndefined();
    expect(decodeEchoReply(hex(`${FROM_ROUTER} 0301 abcd 00000000 ${reply}`))).toBeUndefined();
  });

  test('every cut of an error is refused, never read past its end', () => {
    const whole = hex(`${FROM_ROUTER} 0304 abcd 0000 05aa ${QUOTED}`);
    for (let length = 0; length < whole.length; length++) {
      const cut = whole.slice(0, length);
      const read = (): unknown => decodeEchoReply(cut);
      // Cut before the quoted protocol field, nothing says that it is about ICMP.
      if (length >= 28 && length < 38) expect(read()).toBeUndefined();
      else expect(read).toThrow(DecodeError);
    }
  });
});
