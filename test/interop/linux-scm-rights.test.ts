import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { adoptEchoSocket, type EchoReply } from '../../agents/io/linux/echo-socket.ts';
import { libc } from '../../agents/io/linux/libc.ts';
import {
  type FdReceiver,
  type FdServer,
  offerFds,
  sendFds,
  serveFds,
} from '../../agents/io/linux/scm-rights.ts';
import { adoptTap } from '../../agents/io/linux/tap.ts';
import { PortError } from '../../agents/ports.ts';
import { root } from '../support/tools.ts';
import { answerPings } from './linux-responder.ts';

const privileged = root();
const openDescriptors = (): number => readdirSync('/proc/self/fd').length;

let folder = '';
let path = '';
let servers: FdServer[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'podwire-fds-'));
  path = join(folder, 'fds.sock');
});
afterEach(() => {
  for (const server of servers) server.close();
  servers = [];
  rmSync(folder, { recursive: true });
});

function serve(onFds: FdReceiver): void {
  servers.push(serveFds(path, onFds, { mode: 0o666 }));
}

/** Runs the other process of a test; it prints when it has done its part. */
function other(role: string): ChildProcess {
  const script = join(import.meta.dirname, 'linux-pod-container.ts');
  return spawn(process.execPath, [script, role, path], { stdio: ['pipe', 'pipe', 'inherit'] });
}

describe.skipIf(privileged.missing)(privileged.title('file descriptors over a Unix socket'), () => {
  test('a pod of another process is served through its descriptors, and the real ping there gets answers', async () => {
    const received = Promise.withResolvers<{ payload: object; fds: number[] }>();
    serve((payload, fds) => {
      received.resolve({ payload, fds });
      return undefined;
    });
    const container = other('pod');
    const { payload, fds } = await received.promise;
    expect(payload).toEqual({ pod: 'default/web', interface: 'eth0' });
    expect(fds).toHaveLength(2);
    const device = adoptTap(fds[0]!);
    expect([device.name, device.mac]).toEqual(['eth0', '02:00:00:00:00:07']);
    const seen = answerPings(device);
    const echo = adoptEchoSocket(fds[1]!);
    const reply = new Promise<EchoReply>((resolve) => echo.onReply(resolve));
    echo.send('10.1.2.3', 5, 6, new Uint8Array(16));
    expect(await reply).toMatchObject({ from: '10.1.2.3', type: 0, id: 5, seq: 6 });
    container.stdin!.end('ping\n');
    const [printed, [code]] = await Promise.all([text(container.stdout!), once(container, 'close')]);
    expect(printed).toContain('2 packets transmitted, 2 received');
    expect(code).toBe(0);
    expect(seen.length).toBeGreaterThanOrEqual(4);
    device.close();
    echo.close();
  });

  test('the answer of the receiver reaches the sender; refused descriptors are closed', async () => {
    const before = openDescriptors();
    serve((payload, fds) => {
      if ('bad' in payload) throw new Error('unknown pod default/bad');
      for (const fd of fds) libc().close(fd);
      return 'text' in payload ? undefined : Promise.resolve({ address: '10.0.0.1', fds: fds.length });
    });
    expect(await sendFds(path, { good: true }, [0, 1, 2])).toEqual({ address: '10.0.0.1', fds: 3 });
    expect(await sendFds(path, { text: 'x'.repeat(60_000) }, [])).toEqual({});
    await expect(sendFds(path, { bad: true }, [0, 1])).rejects.toMatchObject({
      code: 'EREMOTEIO',
      message: `cannot hand 2 file descriptors to ${path}: refused: unknown pod default/bad`,
    });
    await expect.poll(openDescriptors).toBe(before + 1);
  });

  test('each end of a hand-over that is kept sees the other one go', async () => {
    const senders: string[] = [];
    serve((payload, fds, sender) => {
      const { name } = payload as { name: string };
      for (const fd of fds) libc().close(fd);
      void sender.gone.then(() => senders.push(name));
      return { name };
    });
    const before = openDescriptors();
    const [first, second] = [
      await offerFds(path, { name: 'first' }, []),
      await offerFds(path, { name: 'second' }, [0]),
    ];
    expect([first.answer, second.answer]).toEqual([{ name: 'first' }, { name: 'second' }]);
    first.close();
    await expect.poll(() => senders).toEqual(['first']);
    servers.pop()!.close();
    await second.gone;
    await expect.poll(() => senders).toEqual(['first', 'second']);
    // The server's own descriptor is gone as well.
    await expect.poll(openDescriptors).toBe(before - 1);
  });

  test('a refusal that takes time closes the descriptors that were not taken', async () => {
    const before = openDescriptors();
    serve(async (_payload, fds) => {
      await Promise.resolve();
      libc().close(fds.shift()!);
      throw new PortError('ENOSPC', 'no address left');
    });
    await expect(offerFds(path, {}, [0, 1, 2])).rejects.toMatchObject({
      code: 'ENOSPC',
      message: `cannot hand 3 file descriptors to ${path}: refused: no address left`,
    });
    await expect.poll(openDescriptors).toBe(before + 1);
  });

  test('many at once are told apart', async () => {
    const names: string[] = [];
    serve((payload, fds) => {
      names.push(`${(payload as { name: string }).name} ${fds.length}`);
      for (const fd of fds) libc().close(fd);
      return undefined;
    });
    const sent = Array.from({ length: 40 }, (_, i) =>
      sendFds(path, { name: `pod${i}` }, Array(1 + (i % 3)).fill(0)),
    );
    await Promise.all(sent);
    expect(names.sort()).toEqual(Array.from({ length: 40 }, (_, i) => `pod${i} ${1 + (i % 3)}`).sort());
  });

  test('without a server, and with a path too long, sending is refused in one line', async () => {
    await expect(sendFds(path, {}, [])).rejects.toThrow(
      `cannot hand 0 file descriptors to ${path}: no such file or directory (ENOENT)`,
    );
    await expect(sendFds(`/tmp/${'x'.repeat(120)}`, {}, [])).rejects.toMatchObject({ code: 'ENAMETOOLONG' });
    expect(() => serveFds(join(folder, 'no/such'), () => undefined)).toThrow('cannot listen on');
  });

  test('the socket of a dead server is replaced, that of a living one is not; closing removes it', async () => {
    const dead = other('serve');
    await once(dead.stdout!, 'data');
    expect(() => serveFds(path, () => undefined)).toThrow(
      `cannot listen on ${path}: address already in use (EADDRINUSE)`,
    );
    dead.kill('SIGKILL');
    await once(dead, 'close');
    expect(existsSync(path)).toBe(true);
    serve(() => undefined);
    expect(statSync(path).mode & 0o777).toBe(0o666);
    await sendFds(path, {}, []);
    servers.pop()!.close();
    expect(existsSync(path)).toBe(false);
  });

  test('a server that goes away, nonsense and half a message harm nobody', async () => {
    const payloads: object[] = [];
    serve((payload) => {
      payloads.push(payload);
      return {};
    });
    const before = openDescriptors();
    for (const bytes of ['\0\0\0\x05null?', '\0\0\0\x02[', '\xff\xff\xff\xff', '\0\0\0\x02{']) {
      const client = connect(path).on('error', () => undefined);
      client.end(Buffer.from(bytes, 'latin1'));
      client.resume();
      await once(client, 'close');
    }
    await sendFds(path, { fine: 1 }, []);
    expect(payloads).toEqual([{ fine: 1 }]);
    await expect.poll(openDescriptors).toBe(before);
    const waiting = connect(path).on('error', () => undefined);
    await once(waiting, 'connect');
    const hung = sendFds(path, { never: 'answered' }, []);
    servers.pop()!.close();
    await expect(hung).rejects.toMatchObject({ code: 'ECONNRESET' });
    waiting.destroy();
  });
});
