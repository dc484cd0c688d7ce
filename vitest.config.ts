import { defineConfig, type ViteUserConfig } from 'vitest/config';

/** One project per tier, fastest first; `npm test -- --project unit` runs one. Tiers are described in CONTRIBUTING.md. */
const tier = (name: string, timeoutSeconds: number, parallel = true) => ({
  test: {
    name,
    include: [`test/${name}/**/*.test.ts`],
    testTimeout: timeoutSeconds * 1000,
    hookTimeout: timeoutSeconds * 1000,
    fileParallelism: parallel,
  },
});

const config: ViteUserConfig = defineConfig({
  test: {
    pool: 'forks',
    projects: [
      tier('unit', 30),
      tier('property', 60),
      tier('fuzz', 120, false),
      tier('interop', 60, false),
      tier('lab', 90, false),
      tier('conformance', 1200, false),
      tier('docker', 600, false),
    ],
  },
});

export default config;
