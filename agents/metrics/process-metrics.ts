/** What Prometheus is told of the process, under the names that its client libraries use. */
import type { ProcessFigures } from '../io/process-figures.ts';
import type { Exposition, Metric } from './exposition.ts';

function figure(
  name: string,
  type: 'counter' | 'gauge',
  help: string,
  value: (figures: ProcessFigures) => number,
): Metric<ProcessFigures> {
  return { name, type, help, read: (figures, put) => put(value(figures)) };
}

const PROCESS_METRICS: readonly Metric<ProcessFigures>[] = [
  figure(
    'process_start_time_seconds',
    'gauge',
    'When the process started, seconds since 1970; time() minus this is its uptime.',
    ({ startTime }) => startTime,
  ),
  figure(
    'process_cpu_user_seconds_total',
    'counter',
    'Processor time of the program, seconds.',
    ({ cpu }) => cpu.user,
  ),
  figure(
    'process_cpu_system_seconds_total',
    'counter',
    'Processor time of the system for the program, seconds.',
    ({ cpu }) => cpu.system,
  ),
  figure(
    'process_cpu_seconds_total',
    'counter',
    'Processor time of program and system, seconds.',
    ({ cpu }) => cpu.user + cpu.system,
  ),
  figure('process_resident_memory_bytes', 'gauge', 'Resident memory, octets.', ({ memory }) => memory.rss),
  figure(
    'nodejs_heap_size_total_bytes',
    'gauge',
    'Heap of JavaScript that is reserved, octets.',
    ({ memory }) => memory.heapTotal,
  ),
  figure(
    'nodejs_heap_size_used_bytes',
    'gauge',
    'Heap of JavaScript that is in use, octets.',
    ({ memory }) => memory.heapUsed,
  ),
  figure(
    'nodejs_external_memory_bytes',
    'gauge',
    'Memory outside of the heap that belongs to objects in it, array buffers too, octets.',
    ({ memory }) => memory.external,
  ),
  figure(
    'nodejs_array_buffers_bytes',
    'gauge',
    'Array buffers, in which the tables of routes are, octets.',
    ({ memory }) => memory.arrayBuffers,
  ),
  {
    name: 'podwire_event_loop_delay_seconds',
    type: 'summary',
    help: 'How late the event loop was; quantiles are those of the last one to two minutes.',
    read: ({ eventLoopDelay: { quantiles, sum, count } }, put) => {
      for (const { quantile, seconds } of quantiles) put(seconds, { quantile });
      put(sum, {}, '_sum');
      put(count, {}, '_count');
    },
  },
];

/** Adds the metrics of the process. @param version of podwire. */
export function addProcess(exposition: Exposition, figures: ProcessFigures, version: string): void {
  const build: Metric<undefined> = {
    name: 'podwire_build_info',
    type: 'gauge',
    help: 'Versions of podwire and of the Node that runs it; always 1.',
    read: (_, put) => put(1, { version, node_version: process.versions.node }),
  };
  exposition.add([build], [{ of: undefined, labels: {} }]);
  exposition.add(PROCESS_METRICS, [{ of: figures, labels: {} }]);
}
