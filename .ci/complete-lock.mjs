// Adds to package-lock.json the optional platform packages that it lacks (@scope/tool-win32-arm64 and the like).
// npm leaves such a package out where the registry mirror that made the lock file does not carry it, and `npm ci` then
// refuses the lock file everywhere. An entry needs only version and platform, which the name tells; npm checks no hash
// for it. Run after `npm install` changed the lock file:  node .ci/complete-lock.mjs
import { readFileSync, writeFileSync } from 'node:fs';

const SYSTEMS = [
  'aix',
  'android',
  'darwin',
  'freebsd',
  'linux',
  'netbsd',
  'openbsd',
  'openharmony',
  'sunos',
  'win32',
];
const MACHINES = {
  arm: 'arm',
  arm64: 'arm64',
  armv7: 'arm',
  ia32: 'ia32',
  loong64: 'loong64',
  mips64el: 'mips64el',
  ppc64: 'ppc64',
  ppc64le: 'ppc64',
  riscv64: 'riscv64',
  s390x: 's390x',
  x64: 'x64',
  universal: undefined,
  wasm32: 'wasm32',
};
const LIBRARIES = { gnu: 'glibc', gnueabihf: 'glibc', musl: 'musl', musleabihf: 'musl' };

const file = new URL('../package-lock.json', import.meta.url);
const lock = JSON.parse(readFileSync(file, 'utf8'));

/** The platform fields that a package's name promises; undefined where it names no platform. */
function platformOf(name) {
  const words = name.split(/[/-]/);
  const os = words.find((word) => SYSTEMS.includes(word));
  const machine = words.find((word) => word in MACHINES);
  if (os === undefined && machine !== 'wasm32') return undefined;
  const cpu = MACHINES[machine];
  const libc = os === 'linux' ? LIBRARIES[words.at(-1)] : undefined;
  return { ...(os && { os: [os] }), ...(cpu && { cpu: [cpu] }), ...(libc && { libc: [libc] }) };
}

/** True where a package in `folder` finds `name` in its own node_modules or in one above it. */
function isResolved(folder, name) {
  for (let at = folder; ; at = at.slice(0, Math.max(0, at.lastIndexOf('node_modules/') - 1))) {
    if (`${at === '' ? '' : `${at}/`}node_modules/${name}` in lock.packages) return true;
    if (at === '') return false;
  }
}

let added = 0;
for (const [folder, owner] of Object.entries(lock.packages)) {
  for (const [name, version] of Object.entries(owner.optionalDependencies ?? {})) {
    if (isResolved(folder, name)) continue;
    const platform = platformOf(name);
    if (platform === undefined || !/^\d/.test(version)) {
      console.error(
        `complete-lock: ${folder} wants ${name}@${version}, whose platform or version is unclear`,
      );
      process.exitCode = 1;
      continue;
    }
    const entry = { version, ...(owner.dev && { dev: true }), optional: true, ...platform };
    lock.packages[`node_modules/${name}`] = entry;
    added++;
  }
}
const sorted = Object.entries(lock.packages).sort(([a], [b]) => a.localeCompare(b, 'en'));
lock.packages = Object.fromEntries(sorted);
writeFileSync(file, `${JSON.stringify(lock, null, 2)}\n`);
console.log(`complete-lock: ${added} added`);
