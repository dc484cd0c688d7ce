import { type AgentProcess, type AgentProcessOptions, runAgentProcess } from './process.ts';

/**
 * Entry point of an agent that a lab's supervisor starts in a network namespace. Its options come as JSON in the
 * environment; readiness or failure go back over the IPC channel, whose end (the supervisor died) ends the agent.
 */
const boot = process.env.PODWIRE_AGENT;
if (boot === undefined || process.send === undefined) {
  console.error('podwire: agents/main.ts is started by a lab; to run an agent by hand: podwire agent --help');
  process.exit(2);
}

let running: AgentProcess | undefined;
let stopping = false;

async function stop(): Promise<void> {
  if (stopping) return;
  stopping = true;
  await running?.stop();
  process.exit(0);
}

process.on('disconnect', () => process.exit(1));
process.on('SIGTERM', () => void stop());
// Ctrl-C reaches the whole foreground group; the supervisor decides when its agents stop.
process.on('SIGINT', () => {});
process.on('message', (message: { readonly kind: string }) => {
  if (message.kind === 'stop') void stop();
});

try {
  const options = JSON.parse(boot) as AgentProcessOptions;
  // What `ps` and `ss -p` show.
  process.title = `podwire ${options.config.node}`;
  running = await runAgentProcess(options);
  process.send({ kind: 'ready' });
} catch (error) {
  process.send({ kind: 'failed', message: (error as Error).message }, () => process.exit(1));
}
