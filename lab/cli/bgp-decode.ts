import { type Command, InvalidArgumentError, Option } from 'commander';
import { FAMILIES, type Family } from '../../protocol/bgp/family.ts';
import type { CliContext, GlobalOptions } from './context.ts';
import { EXIT, ExitWith } from './errors.ts';
import { wholeNumber } from './parsers.ts';

interface Options extends GlobalOptions {
  readonly asn4?: boolean;
  readonly asn2?: boolean;
  readonly addPath?: readonly Family[];
  readonly port?: readonly number[];
}

/** TCP port of BGP, RFC 4271 §8.2.1. */
const BGP_PORT = 179;

/** `podwire bgp decode HEX|FILE|- [--asn4|--asn2] [--add-path FAMILY]... [--port N]...` */
export function registerDecode(bgp: Command, context: CliContext): void {
  bgp
    .command('decode')
    .description('take messages apart, or the sessions in a pcap or pcapng file: every field with its octets')
    .argument(
      '<hex|file|->',
      'hex digits; a file of hex, of messages, or a capture, .gz or not; - is standard input',
    )
    .addOption(new Option('--asn4', 'AS numbers have four octets, where no OPEN says').conflicts('asn2'))
    .addOption(new Option('--asn2', 'AS numbers have two octets, where no OPEN says'))
    .option(
      '--add-path <family>',
      'NLRI has path identifiers, where no OPEN says; may be given several times',
      addFamily,
    )
    .option(
      '--port <port>',
      'TCP port of BGP in captures; may be given several times (default: 179)',
      addPort,
    )
    .addHelpText('after', EXAMPLES)
    .action(async (input: string, _options: object, command: Command) => {
      await decode(context, input, command.optsWithGlobals<Options>());
    });
}

const EXAMPLES = `
Exit code 1 says that a message is malformed. --format json prints one object per line (docs/bgp-decode.md).

Examples:
  podwire bgp decode ffffffffffffffffffffffffffffffff001304
  podwire bgp decode session.pcapng
  tcpdump -i eth0 -w - tcp port 179 | podwire bgp decode - --format json | jq .type`;

function addFamily(text: string, earlier: readonly Family[] | undefined): readonly Family[] {
  if (!Object.hasOwn(FAMILIES, text)) {
    throw new InvalidArgumentError(`Allowed choices are ${Object.keys(FAMILIES).join(', ')}.`);
  }
  return [...(earlier ?? []), text as Family];
}

function addPort(text: string, earlier: readonly number[] | undefined): readonly number[] {
  return [...(earlier ?? []), wholeNumber(1, 65535)(text)];
}

async function decode(context: CliContext, argument: string, options: Options): Promise<void> {
  const [{ openInput }, { decodeInput }] = await Promise.all([
    import('./bgp-decode-input.ts'),
    import('./bgp-decode-run.ts'),
  ]);
  const { asn2, asn4, addPath, port } = options;
  const malformed = await decodeInput(context, await openInput(argument), options, {
    ...(asn2 === true || asn4 === true ? { fourOctetAs: asn4 === true } : {}),
    ...(addPath === undefined ? {} : { addPath }),
    ports: port ?? [BGP_PORT],
  });
  if (malformed > 0) throw new ExitWith(EXIT.failed);
}
