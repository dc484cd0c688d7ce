import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { connectAgent, listNodes } from '../../../agents/control/client.ts';
import { serveControl } from '../../../agents/control/server.ts';
import { PortError } from '../../../agents/ports.ts';
import { fakeAgent, Scene } from './support.ts';

let scene: Scene;
beforeEach(() => {
  scene = new Scene();
});
afterEach(() => scene.close());

test('the socket goes with the server', async () => {
  const server = await scene.serve([fakeAgent('host1')]);
  expect(existsSync(scene.path)).toBe(true);
  await server.close();
  expect(existsSync(scene.path)).toBe(false);
});

test('the socket file of a process that died is replaced', async () => {
  const program = `require('net').createServer().listen(${JSON.stringify(scene.path)}, () => process.kill(process.pid, 'SIGKILL'))`;
  spawnSync(process.execPath, ['--eval', program]);
  expect(existsSync(scene.path)).toBe(true);
  await scene.serve([fakeAgent('host1')]);
  expect(await listNodes(scene.endpoint)).toEqual(['host1']);
});

test('the socket of a process that runs is left to it', async () => {
  await scene.serve([fakeAgent('host1')]);
  await expect(serveControl(scene.path, new Map())).rejects.toEqual(
    new PortError(
      'EADDRINUSE',
      `cannot serve control at ${scene.path}: address already in use (EADDRINUSE); another process answers there`,
    ),
  );
  expect(await listNodes(scene.endpoint)).toEqual(['host1']);
});

test('a file that is no socket is left alone', async () => {
  writeFileSync(scene.path, 'precious');
  await expect(scene.serve([])).rejects.toThrow(
    /file already exists \(EEXIST\); there is a file that is no socket/,
  );
  expect(readFileSync(scene.path, 'utf8')).toBe('precious');
});

test('a missing folder is an error that names the path', async () => {
  const path = `${scene.folder}/missing/c.sock`;
  await expect(serveControl(path, new Map())).rejects.toThrow(`cannot serve control at ${path}: `);
});

test('closing cuts clients that keep their connection', async () => {
  const server = await scene.serve([fakeAgent('host1')]);
  const agent = connectAgent(scene.endpoint, 'host1');
  await agent.status();
  await server.close();
  await expect(agent.status()).rejects.toMatchObject({ status: 0 });
  // The path is free for the next.
  const next = createServer().listen(scene.path);
  await new Promise((resolve) => next.on('listening', resolve));
  await new Promise((resolve) => next.close(resolve));
});
