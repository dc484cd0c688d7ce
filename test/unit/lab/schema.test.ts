import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { loadLab } from '../../../lab/file/load.ts';
import { planLab } from '../../../lab/plan/plan.ts';
import { labSchemaFile, speakerSchemaFile } from '../../../lab/schema/generate.ts';
import { parseResource } from '../../../protocol/calico/resources/parse.ts';

const examples = join(import.meta.dirname, '../../../lab/examples');

test.each([labSchemaFile, speakerSchemaFile])('$path is that of the code (npm run schema)', (schema) => {
  expect(readFileSync(schema.path, 'utf8')).toBe(schema.text());
});

test('the schema describes the resources too', () => {
  const { properties } = JSON.parse(labSchemaFile.text());
  expect(JSON.stringify(properties.calico.items)).toContain('"IPPool"');
  expect(Object.keys(properties)).toEqual(
    expect.arrayContaining(['name', 'nodes', 'pods', 'podsPerNode', 'links', 'bgp', 'calico']),
  );
});

describe.each(readdirSync(examples).filter((name) => name.endsWith('.yaml')))('example %s', (name) => {
  const file = join(examples, name);

  test('names the schema for editors', () => {
    expect(readFileSync(file, 'utf8')).toMatch(
      /^# yaml-language-server: \$schema=\.\.\/schema\/lab\.schema\.json\n/,
    );
  });

  test('is valid, and its resources are what Calico takes', () => {
    const lab = loadLab(file, {});
    expect(lab.name).toBe(name.replace('.yaml', ''));
    const plan = planLab(lab, {
      // Foreign nodes have a place only there.
      runtime: name.startsWith('netns-') ? 'netns' : 'local',
      pods: 'auto',
      linuxPods: { possible: false, reason: 'not here' },
      store: 'memory',
      bgpPort: 1790,
      usedUnderlays: [],
    });
    expect(plan.resources.length).toBeGreaterThan(0);
    for (const resource of plan.resources) expect(() => parseResource(resource, 'reject')).not.toThrow();
  });
});
