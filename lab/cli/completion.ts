import { Argument, type Command } from 'commander';
import { type CliContext, print } from './context.ts';

/** Shells that completion is written for. */
const SHELLS = ['bash', 'zsh', 'fish'] as const;

/** `podwire completion bash|zsh|fish` */
export function register(program: Command, context: CliContext): void {
  program
    .command('completion')
    .description('print a completion script for a shell')
    .addArgument(new Argument('<shell>', 'shell').choices(SHELLS))
    .addHelpText('after', INSTALL)
    .action((shell: (typeof SHELLS)[number]) => print(context, SCRIPTS[shell].trimEnd()));
}

const INSTALL = `
Install:
  bash  podwire completion bash > ~/.local/share/bash-completion/completions/podwire
  zsh   podwire completion zsh > "\${fpath[1]}/_podwire"
  fish  podwire completion fish > ~/.config/fish/completions/podwire.fish`;

/**
 * The scripts ask podwire itself for the candidates of the last word, so they know the names of running labs, nodes
 * and pods. An answer of `:file` alone leaves the word to the shell's own completion of file names.
 */
const SCRIPTS: Readonly<Record<(typeof SHELLS)[number], string>> = {
  bash: `# bash completion for podwire
_podwire() {
  local line
  COMPREPLY=()
  while IFS= read -r line; do
    if [[ $line == :file ]]; then
      compopt -o default
      return
    fi
    COMPREPLY+=("$line")
  done < <("\${COMP_WORDS[0]}" __complete -- "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
}
complete -F _podwire podwire
`,
  zsh: `#compdef podwire
# zsh completion for podwire
_podwire() {
  local -a candidates
  candidates=("\${(@f)$("\${words[1]}" __complete -- "\${(@)words[2,CURRENT]}" 2>/dev/null)}")
  if [[ \${candidates[1]} == :file ]]; then
    _files
  else
    compadd -- \${candidates:#}
  fi
}
if [[ \${funcstack[1]} == _podwire ]]; then
  _podwire "$@"
else
  compdef _podwire podwire
fi
`,
  fish: `# fish completion for podwire
function __podwire_candidates
    set -l words (commandline -opc) (commandline -ct)
    set -l found ($words[1] __complete -- $words[2..-1] 2>/dev/null)
    if test "$found[1]" = :file
        __fish_complete_path (commandline -ct)
    else
        printf '%s\\n' $found
    end
end
complete -c podwire -f -a '(__podwire_candidates)'
`,
};
