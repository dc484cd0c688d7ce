// Loaded into the podwire under test (node --import): tells how long its event loop stood still, when asked. JavaScript,
// because loading what strips types would take longer than the start that is measured.
import { monitorEventLoopDelay } from 'node:perf_hooks';

/** How often the loop is looked at, ms. */
const RESOLUTION = 1;

const histogram = monitorEventLoopDelay({ resolution: RESOLUTION });
histogram.enable();
process.on('message', () => {
  const longest = histogram.max / 1e6;
  histogram.reset();
  process.send?.(Math.max(0, longest - RESOLUTION));
});
// Neither the channel nor its end keeps the process from being what it is otherwise.
process.channel?.unref();
