import type { Command } from 'commander';
import { type CliContext, type GlobalOptions, print, printJson } from './context.ts';
import { EXIT, ExitWith } from './errors.ts';

/** `podwire validate LAB.yaml...` */
export function register(program: Command, context: CliContext): void {
  program
    .command('validate')
    .description('check lab files: every error with file:line:column and what was expected')
    .argument('<lab.yaml...>', 'lab files')
    .action(async (files: string[], _options: object, command: Command) => {
      await validate(context, files, command.optsWithGlobals<GlobalOptions>());
    });
}

async function validate(
  context: CliContext,
  files: readonly string[],
  options: GlobalOptions,
): Promise<void> {
  const { loadLab } = await import('../file/load.ts');
  const { formatProblem, LabFileError } = await import('../file/problem.ts');
  const results = files.map((file) => {
    try {
      return { file, lab: loadLab(file, context.env), problems: [] };
    } catch (error) {
      if (!(error instanceof LabFileError)) throw error;
      return { file, lab: undefined, problems: error.problems };
    }
  });
  if (options.format === 'json') {
    printJson(
      context,
      results.map(({ file, lab, problems }) => ({ file, valid: lab !== undefined, problems })),
    );
  } else {
    for (const { file, lab, problems } of results) {
      for (const problem of problems) context.stderr.write(`${formatProblem(problem)}\n`);
      if (lab === undefined) continue;
      const { nodes, pods, resources } = lab;
      if (!options.quiet) {
        print(
          context,
          `${file}: ok, lab ${lab.name}: ${nodes.length} nodes, ${pods.length} pods, ${resources.length} resources`,
        );
      }
    }
  }
  if (results.some(({ lab }) => lab === undefined)) throw new ExitWith(EXIT.failed);
}
