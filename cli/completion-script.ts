// The completion script of `zope-failover` for each shell. Pure.
import type { CommandForm, OptionForm } from './command-tree.ts'

export const shells = ['bash', 'zsh', 'fish'] as const
export type Shell = (typeof shells)[number]

export function completionScript(
  shell: Shell,
  commands: readonly CommandForm[],
): string {
  switch (shell) {
    case 'bash':
      return bash(commands)
    case 'zsh':
      return `#compdef zope-failover\nautoload -U +X bashcompinit && bashcompinit\n${bash(commands)}`
    case 'fish':
      return fish(commands)
  }
}

/** The command that lists names from the configuration; null = none. */
function namesFor(argument: string): string | null {
  const list = /^(?:names?|backend|target)$/.test(argument)
    ? 'backends'
    : argument === 'pool'
      ? 'pools'
      : null
  return list === null ? null : `zope-failover completion ${list} 2>/dev/null`
}

/** What an option takes. */
type Value = 'file' | 'text' | 'pool' | readonly string[]

function valueOf({ long, value, choices }: OptionForm): Value | null {
  if (value === null) return null
  if (choices.length > 0) return choices
  if (long === '--pool') return 'pool'
  return /file|dir/.test(value) ? 'file' : 'text'
}

function bash(commands: readonly CommandForm[]): string {
  const values = commands.flatMap(({ name, options }) =>
    options.flatMap(option => {
      const value = valueOf(option)
      return value === null
        ? []
        : [`    '${name} ${option.long}') ${bashValue(value)} ;;`]
    }),
  )
  const firsts = commands.map(command => {
    const [argument] = command.arguments
    const names = namesFor(argument?.name ?? '')
    const own = names === null ? (argument?.choices ?? []) : [`$(${names})`]
    const options = command.options.map(({ long }) => long)
    return `    ${command.name}) words="${[...own, ...options].join(' ')}" ;;`
  })
  return `# zope-failover(1), for bash
_zope_failover() {
  local cur=\${COMP_WORDS[COMP_CWORD]} words=
  COMPREPLY=()
  case "\${COMP_WORDS[1]} \${COMP_WORDS[COMP_CWORD-1]}" in
${values.join('\n')}
    *) case "$COMP_CWORD \${COMP_WORDS[1]}" in
    1\\ *) words='${commands.map(({ name }) => name).join(' ')} --help --version' ;;
    esac ;;
  esac
  [ "$words" = - ] && { COMPREPLY=($(compgen -f -- "$cur")); return; }
  if [ -z "$words" ]; then case "\${COMP_WORDS[1]}" in
${firsts.join('\n')}
  esac; fi
  COMPREPLY=($(compgen -W "$words" -- "$cur"))
}
complete -F _zope_failover zope-failover
`
}

/** `-` = a file. */
function bashValue(value: Value): string {
  if (value === 'text') return 'return'
  if (value === 'file') return 'words=-'
  if (value === 'pool') return `words="$(${namesFor('pool')})"`
  return `words='${value.join(' ')}'`
}

function fish(commands: readonly CommandForm[]): string {
  const lines = commands.flatMap(command => {
    const seen = `complete -c zope-failover -n '__fish_seen_subcommand_from ${command.name}'`
    const [argument] = command.arguments
    const names = namesFor(argument?.name ?? '')
    const own =
      names === null ? (argument?.choices ?? []).join(' ') : `(${names})`
    return [
      `complete -c zope-failover -n __fish_use_subcommand -a ${command.name} -d ${quoted(command.description)}`,
      ...(own === '' ? [] : [`${seen} -a '${own}'`]),
      ...command.options.map(option => {
        const { long, description } = option
        return `${seen} -l ${long.replace(/^--/, '')}${fishValue(valueOf(option))} -d ${quoted(description)}`
      }),
    ]
  })
  return `# zope-failover(1), for fish\ncomplete -c zope-failover -f\n${lines.join('\n')}\n`
}

function fishValue(value: Value | null): string {
  if (value === null) return ''
  if (value === 'text') return ' -x'
  if (value === 'file') return ' -r -F'
  if (value === 'pool') return ` -x -a '(${namesFor('pool')})'`
  return ` -x -a '${value.join(' ')}'`
}

function quoted(text: string): string {
  return `'${text.replaceAll(/(?=[\\'])/g, '\\')}'`
}
