import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { root } from '../support/root.ts';

/** What one size of lab cost. */
export interface LabFigures {
  readonly hosts: number;
  readonly pods: number;
  readonly sessions: number;
  /** From the start of the `podwire` command to its return, milliseconds, median. */
  readonly commandMs: number;
  /** From the start of the lab's own process to convergence, milliseconds, median. */
  readonly convergedMs: number;
  /** Largest resident memory of the lab's process, MB, median. */
  readonly peakMb: number;
}

const PODS_PER_HOST = 10;

/**
 * Brings labs of several sizes up and down with the command that a user would type: local runtime, emulated pods, two
 * route reflectors. Bounded: each size runs `runs` times, one after the other.
 */
export async function benchLabs(sizes: readonly number[], runs: number): Promise<LabFigures[]> {
  const folder = mkdtempSync(join(tmpdir(), 'podwire-bench-'));
  const env = { ...process.env, PODWIRE_RUN_DIR: join(folder, 'run') };
  try {
    const figures: LabFigures[] = [];
    for (const hosts of sizes) {
      const samples: Omit<LabFigures, 'hosts' | 'pods'>[] = [];
      for (let run = 0; run < runs; run++) samples.push(await benchOne(hosts, folder, env));
      figures.push({
        hosts,
        pods: hosts * PODS_PER_HOST,
        sessions: samples[0]!.sessions,
        commandMs: median(samples.map((each) => each.commandMs)),
        convergedMs: median(samples.map((each) => each.convergedMs)),
        peakMb: median(samples.map((each) => each.peakMb)),
      });
      console.error(`  ${hosts} hosts: ${runs} runs done`);
    }
    return figures;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function benchOne(
  hosts: number,
  folder: string,
  env: NodeJS.ProcessEnv,
): Promise<Omit<LabFigures, 'hosts' | 'pods'>> {
  const file = join(folder, `lab-${hosts}.yaml`);
  writeFileSync(file, labFile(hosts));
  const started = performance.now();
  const output = await podwire(['up', file, '-d', '--pods', 'emulated', '--format', 'json'], env);
  const commandMs = performance.now() - started;
  try {
    const info = JSON.parse(output) as { pid: number; convergedMs: number; sessions: { total: number } };
    const [, peak] = /VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${info.pid}/status`, 'utf8')) ?? [];
    return {
      sessions: info.sessions.total,
      commandMs,
      convergedMs: info.convergedMs,
      peakMb: Number(peak) / 1024,
    };
  } finally {
    await podwire(['down', '--name', `bench-${hosts}`], env);
  }
}

function labFile(hosts: number): string {
  return `name: bench-${hosts}
nodes:
  host[1-${hosts}]: {}
  rr[1-2]: { kind: route-reflector, clusterId: 244.0.0.1, labels: { route-reflector: "true" } }
podsPerNode: ${PODS_PER_HOST}
calico:
  - apiVersion: projectcalico.org/v3
    kind: IPPool
    metadata: { name: default-ipv4-ippool }
    spec: { cidr: 10.128.0.0/12, vxlanMode: Always }
  - apiVersion: projectcalico.org/v3
    kind: BGPConfiguration
    metadata: { name: default }
    spec: { nodeToNodeMeshEnabled: false }
  - apiVersion: projectcalico.org/v3
    kind: BGPPeer
    metadata: { name: to-reflectors }
    spec: { nodeSelector: all(), peerSelector: route-reflector == 'true' }
`;
}

function podwire(args: readonly string[], env: NodeJS.ProcessEnv): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn('node', [join(root, 'bin', 'podwire.mjs'), ...args], {
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    let errors = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      errors += text;
    });
    child.on('error', reject);
    child.on('exit', (code) => {
      if (code === 0) resolve(output);
      else reject(new Error(`podwire ${args.join(' ')}: exit code ${code}: ${errors.trim()}`));
    });
  });
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)]!;
}

/** The machine, for the record beside the figures. */
export function machine(): string {
  return `${cpus().length} × ${cpus()[0]?.model ?? 'unknown CPU'}, Node ${process.versions.node}, ${process.platform}`;
}
