/** Runs requirements against a target, as many at a time as the profile's addresses allow. */
import { CommandRunner, type Commands } from './commands.ts';
import { Identities, type Lease } from './identity.ts';
import { OwnPrefixes, PrefixPool } from './prefixes.ts';
import type { Need, Profile } from './profile.ts';
import { TestRecord } from './record.ts';
import type { Requirement } from './requirement.ts';
import { observerNeed, Scene, type StepResult } from './scene.ts';
import { type Verdict, verdictOf, worst } from './verdict.ts';

export interface TestResult {
  readonly requirement: Requirement;
  readonly verdict: Verdict;
  /** Why, other than for a pass: of the first step with the verdict. */
  readonly reason?: string;
  readonly steps: readonly StepResult[];
  readonly record: TestRecord;
  /** How long it took. */
  readonly milliseconds: number;
}

export interface RunOptions {
  /** Most tests at a time. */
  readonly parallel: number;
  /** Told of every test when it ends. */
  readonly onResult?: (result: TestResult) => void;
  /** In place of the profile's shell commands. */
  readonly commands?: Commands;
  /** Starts no more tests once aborted. */
  readonly signal?: AbortSignal;
}

/** Runs all of them and returns the results in the order given. */
export async function runRequirements(
  requirements: readonly Requirement[],
  profile: Profile,
  options: RunOptions,
): Promise<readonly TestResult[]> {
  const runner = new Runner(profile, options.commands ?? new CommandRunner(profile.commands));
  const results = new Map<Requirement, TestResult>();
  const runOne = async (requirement: Requirement): Promise<void> => {
    const result = await runner.run(requirement);
    results.set(requirement, result);
    options.onResult?.(result);
  };
  // The longest first, so that they do not stand alone at the end.
  const shared = requirements
    .filter(({ exclusive }) => !exclusive)
    .toSorted((a, b) => (b.seconds ?? 0) - (a.seconds ?? 0));
  await inParallel(shared, options.parallel, options.signal, runOne);
  await inParallel(
    requirements.filter(({ exclusive }) => exclusive),
    1,
    options.signal,
    runOne,
  );
  return requirements.flatMap((requirement) => results.get(requirement) ?? []);
}

async function inParallel<T>(
  items: readonly T[],
  count: number,
  signal: AbortSignal | undefined,
  work: (item: T) => Promise<void>,
): Promise<void> {
  const queue = [...items];
  const worker = async (): Promise<void> => {
    for (let item = queue.shift(); item !== undefined && !signal?.aborted; item = queue.shift()) {
      await work(item);
    }
  };
  await Promise.all(Array.from({ length: Math.max(1, count) }, worker));
}

class Runner {
  readonly #profile: Profile;
  readonly #identities: Identities;
  readonly #prefixes = new PrefixPool();
  readonly #commands: Commands;

  constructor(profile: Profile, commands: Commands) {
    this.#profile = profile;
    this.#identities = new Identities(profile);
    this.#commands = commands;
  }

  async run(requirement: Requirement): Promise<TestResult> {
    const lease = await this.#identities.acquire(this.#needs(requirement));
    const begin = performance.now();
    const record = new TestRecord();
    const scene = new Scene({
      profile: this.#profile,
      lease,
      record,
      prefixes: new OwnPrefixes(this.#prefixes),
      commands: this.#commands,
    });
    const whole = await this.#carryOut(requirement, scene, lease);
    const parts = [
      ...scene.steps.map(({ verdict }) => verdict),
      ...(whole === undefined ? [] : [whole.verdict]),
    ];
    const verdict = parts.length === 0 ? 'pass' : worst(parts);
    const reason =
      whole?.verdict === verdict
        ? whole.reason
        : scene.steps.find((step) => step.verdict === verdict && step.reason !== undefined);
    const text = typeof reason === 'object' ? `${reason.name}: ${reason.reason}` : reason;
    return {
      requirement,
      verdict,
      ...(text === undefined ? {} : { reason: text }),
      steps: scene.steps,
      record,
      milliseconds: Math.round(performance.now() - begin),
    };
  }

  async #carryOut(
    requirement: Requirement,
    scene: Scene,
    lease: Lease,
  ): Promise<{ readonly verdict: Verdict; readonly reason: string } | undefined> {
    try {
      await requirement.run(scene);
      return undefined;
    } catch (error) {
      const outcome = verdictOf(error);
      scene.note(`${outcome.verdict}: ${outcome.reason}`);
      return outcome;
    } finally {
      await scene.cleanUp();
      lease.release();
    }
  }

  #needs(requirement: Requirement): Need[] {
    const needs: Need[] = [];
    for (const need of requirement.needs) {
      if (typeof need !== 'string') needs.push(need);
      else {
        const observer = observerNeed(this.#profile, needs[0]?.kind ?? 'ebgp');
        if (observer !== undefined) needs.push(observer);
      }
    }
    return needs;
  }
}
