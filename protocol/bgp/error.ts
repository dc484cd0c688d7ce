import { DecodeError } from '../bytes/decode-error.ts';

/** What a NOTIFICATION says (RFC 4271 §4.5). */
export interface NotificationBody {
  readonly code: number;
  readonly subcode: number;
  readonly data: Uint8Array;
}

const NO_DATA = new Uint8Array(0);

/** A fault that ends the session: carries the NOTIFICATION to send and the offset in the message. */
export class BgpError extends DecodeError {
  readonly notification: NotificationBody;
  /** The clause that says so, such as `RFC 4271 §6.3`; empty where nobody said. */
  readonly rfc: string;

  constructor(
    what: string,
    offset: number,
    expected: string,
    code: number,
    subcode: number,
    data: Uint8Array = NO_DATA,
    rfc = '',
  ) {
    super(what, offset, expected);
    this.notification = { code, subcode, data };
    this.rfc = rfc;
  }
}

/** How an UPDATE with a faulty attribute is treated short of ending the session (RFC 7606 §2). */
export type AttributeOutcome = 'treat-as-withdraw' | 'attribute-discard';

/** A faulty attribute that did not end the session. */
export interface AttributeFault {
  readonly outcome: AttributeOutcome;
  /** Attribute type code. */
  readonly type: number;
  /** Octets from the start of the message (its marker) to the fault. */
  readonly offset: number;
  /** One line: what, where, expected. */
  readonly reason: string;
  /** The clause that says so, such as `RFC 7606 §7.1`. */
  readonly rfc: string;
}
