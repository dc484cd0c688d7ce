// npm run build: bundles podwire into dist/, because a few files start several times as fast as some hundreds
// (docs/decisions/0022-dist-is-a-bundle.md). npm runs it after `npm install` in a checkout, and before it packs.
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import { builtins } from './bundle-builtins.mjs';
import { root } from './node26.mjs';
import { builtFrom } from './program.mjs';

const dist = join(root, 'dist');

/** The modules that are run by their path, which they keep below dist/. */
const ENTRIES = ['lab/main', 'lab/runtime/daemon', 'agents/main'];

/** Packages that stay outside: one has a native library, the other is no matter of starting fast. */
const EXTERNAL = ['koffi', 'ioredis'];

/**
 * What is to start fast: each with all that it imports is one file of the bundle, what several have in common one more,
 * because a file costs half a millisecond. Whatever else there is, the bundler divides.
 */
const GROUPS = {
  version: ['lab/cli/version.ts'],
  command: ['lab/cli/program.ts', 'lab/cli/speaker.ts'],
  bgp: [
    'lab/cli/bgp.ts',
    'agents/control/client.ts',
    'agents/control/bgp-client.ts',
    'lab/speaker/registry.ts',
  ],
  speaker: ['lab/cli/speaker-run.ts'],
};

/** Folders of the project's own modules. */
const SOURCES = ['protocol', 'agents', 'lab'];

function filesBelow(folder) {
  const all = readdirSync(join(root, folder), { recursive: true });
  return all.filter((name) => name.endsWith('.ts')).map((name) => join(folder, name));
}

/** Packages with their licences, whose code the bundle has. */
function licences(packages) {
  return packages.map((folder) => {
    const { name, version, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
    const file = readdirSync(folder).find((each) => /^licen[cs]e/i.test(each));
    const text = file === undefined ? license : readFileSync(join(folder, file), 'utf8').trim();
    return `${name} ${version} (${license})\n\n${text}\n`;
  });
}

/** Folder of the package that a module belongs to; further files named package.json inside only say how to read it. */
function packageOf(module) {
  return /^.*[\\/]node_modules[\\/](?:@[^\\/]+[\\/])?[^\\/]+/.exec(module)[0];
}

/** Size and time of change in ms of a file. */
function stateOf(path) {
  const { size, mtimeMs } = statSync(join(root, path));
  return [size, mtimeMs];
}

/** Names the file for a module after the groups that import it, however indirectly. */
function groupFinder() {
  const found = new Map();
  const add = (group, id, graph) => {
    const groups = found.get(id) ?? new Set();
    if (groups.has(group)) return;
    found.set(id, groups.add(group));
    for (const imported of graph.getModuleInfo(id)?.importedIds ?? []) add(group, imported, graph);
  };
  return (id, graph) => {
    if (found.size === 0) {
      for (const [group, first] of Object.entries(GROUPS)) {
        for (const path of first) add(group, join(root, path), graph);
      }
    }
    const groups = found.get(id);
    return groups === undefined ? null : [...groups].join('-');
  };
}

async function build() {
  const { rolldown } = await import('rolldown');
  // As they are before they are read: what changes meanwhile is seen as changed.
  const files = ['package.json', 'package-lock.json', 'bin/build.mjs', ...SOURCES.flatMap(filesBelow)];
  const before = new Map(files.map((path) => [path, stateOf(path)]));
  const bundle = await rolldown({
    cwd: root,
    input: Object.fromEntries(ENTRIES.map((name) => [name, `${name}.ts`])),
    platform: 'node',
    external: EXTERNAL,
    plugins: [builtins],
    // Groups may move modules out of the entries, which nobody imports.
    preserveEntrySignatures: 'allow-extension',
    checks: { ineffectiveDynamicImport: false },
  });
  const { output } = await bundle.write({
    dir: dist,
    cleanDir: true,
    format: 'esm',
    entryFileNames: '[name].js',
    chunkFileNames: 'chunks/[name]-[hash].js',
    codeSplitting: {
      includeDependenciesRecursively: false,
      groups: [{ debugName: 'start', name: groupFinder() }],
    },
    // Text of ASCII alone is read at once.
    charset: 'ascii',
    comments: { legal: true, annotation: false, jsdoc: false },
  });
  await bundle.close();

  const modules = output.flatMap((chunk) => chunk.moduleIds ?? []).filter((id) => existsSync(id));
  const foreign = modules.filter((id) => id.includes(`${sep}node_modules${sep}`));
  const packages = [...new Set(foreign.map(packageOf))].sort();
  writeFileSync(join(dist, 'licences.txt'), licences(packages).join(`\n${'-'.repeat(80)}\n\n`));
  // Sources that are not in the bundle make no difference to it.
  const used = new Set(modules.map((id) => relative(root, id)));
  const made = [...before].filter(([path]) => used.has(path) || !path.endsWith('.ts'));
  writeFileSync(builtFrom, JSON.stringify(made.map(([path, state]) => [path, ...state])));
  console.error(`podwire: bundled ${new Set(modules).size} modules into dist/`);
}

try {
  await build();
} catch (error) {
  if (process.env.npm_lifecycle_event !== 'prepare') throw error;
  // `npm install --omit=dev`, or sources that somebody is changing: a checkout runs without a bundle too.
  console.error(`podwire: not bundled, it starts from its sources: ${error.message.split('\n')[0]}`);
}
