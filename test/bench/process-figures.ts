// What the kernel says about a process (proc(5)).
import { readFileSync } from 'node:fs';

/** Clock ticks of a second: fixed for all programs on Linux. */
const TICKS = 100;

/** Processor time of all its threads, ms. */
export function cpuTime(pid: number): number {
  const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
  // The name in brackets may hold spaces.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return ((Number(fields[11]) + Number(fields[12])) * 1000) / TICKS;
}

/** Resident memory now and at its peak, MB. */
export function memory(pid: number): { readonly now: number; readonly peak: number } {
  const text = readFileSync(`/proc/${pid}/status`, 'utf8');
  const megabytes = (name: string): number => Number(new RegExp(`${name}:\\s+(\\d+)`).exec(text)?.[1]) / 1000;
  return { now: megabytes('VmRSS'), peak: megabytes('VmHWM') };
}

/** Load of the machine, as uptime(1) has it: the last minute's average. */
export function load(): number {
  return Number(readFileSync('/proc/loadavg', 'utf8').split(' ')[0]);
}
