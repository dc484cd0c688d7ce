import type { Clock } from '../ports.ts';
import { emulatedPods } from './emulated.ts';
import type { PodFactory, PodSpec } from './types.ts';

/** Makers of both kinds of pods. The Linux calls are loaded with the first linux pod, so that others do without. */
export function podFactories(clock: Clock): Readonly<Record<PodSpec['kind'], PodFactory>> {
  const linux: PodFactory = {
    create: async (spec, network) => (await import('./linux.ts')).linuxPods.create(spec, network),
  };
  return { linux, emulated: emulatedPods(clock) };
}
