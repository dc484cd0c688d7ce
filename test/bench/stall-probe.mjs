// Loaded into the podwire under test (node --import): tells how long its event loop stood still, when asked. JavaScript,
// because loading what strips types would take longer than the start that is measured.
import { monitorEventLoopDelay } from 'node:perf_hooks';

/** How often the loop is looked at unless a message says so, ms. */
const RESOLUTION = 1;

let resolution = RESOLUTION;
let histogram = watch();

function watch() {
  const started = monitorEventLoopDelay({ resolution });
  started.enable();
  return started;
}

// Asked by 'stall', or by how often to look from then on, ms: each look wakes the process, which counts where it has little
// else to do.
process.on('message', (message) => {
  const longest = Math.max(0, histogram.max / 1e6 - resolution);
  histogram.disable();
  resolution = typeof message === 'number' ? message : RESOLUTION;
  histogram = watch();
  process.send?.(longest);
});
// Neither the channel nor its end keeps the process from being what it is otherwise.
process.channel?.unref();
