import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import t from 'tap'
import { completionScript } from '../../../cli/completion-script.ts'
import type { CommandForm, OptionForm } from '../../../cli/command-tree.ts'
import { publicDirectory } from '../../../lab/processes.ts'

const option = (
  long: string,
  value: string | null = null,
  choices: readonly string[] = [],
): OptionForm => ({ long, value, choices, description: "it's" })

const argument = (name: string, choices: readonly string[] = []) => ({
  name,
  written: `<${name}>`,
  description: '',
  choices,
})

const commands: readonly CommandForm[] = [
  {
    name: 'drain',
    description: 'd',
    arguments: [argument('name')],
    options: [option('--for', '<duration>'), option('--config', '<file>')],
  },
  {
    name: 'explain',
    description: 'e',
    arguments: [argument('pool'), argument('route')],
    options: [],
  },
  {
    name: 'apache-conf',
    description: 'a',
    arguments: [],
    options: [
      option('--style', '<style>', ['prg', 'txt']),
      option('--pool', '<name>'),
      option('--keep-alive'),
    ],
  },
  {
    name: 'completion',
    description: 'c',
    arguments: [argument('shell', ['bash', 'zsh'])],
    options: [],
  },
]

void t.test('bash itself completes', t => {
  const directory = publicDirectory(t)
  writeFileSync(
    `${directory}/zope-failover`,
    '#!/bin/sh\ncase $2 in backends) echo zope1; echo zope2;; pools) echo default;; esac\n',
    { mode: 0o755 },
  )
  writeFileSync(`${directory}/site.yaml`, '')
  const completed = (...words: string[]): string =>
    execFileSync(
      'bash',
      [
        '--norc',
        '-c',
        `set -u
cd ${directory}
${completionScript('bash', commands)}
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))
_zope_failover
echo "\${COMPREPLY[*]-}"`,
        'bash',
        'zope-failover',
        ...words,
      ],
      { encoding: 'utf8', env: { PATH: `${directory}:/usr/bin:/bin` } },
    ).trim()
  for (const [words, found] of [
    [[''], 'drain explain apache-conf completion --help --version'],
    [['ex'], 'explain'],
    [['drain', ''], 'zope1 zope2 --for --config'],
    [['drain', 'zope2', '--f'], '--for'],
    [['drain', '--for', ''], ''],
    [['drain', '--config', 'si'], 'site.yaml'],
    [['explain', ''], 'default'],
    [['apache-conf', '--style', ''], 'prg txt'],
    [['apache-conf', '--pool', ''], 'default'],
    [['apache-conf', '--ke'], '--keep-alive'],
    [['completion', ''], 'bash zsh'],
    [['nonsense', ''], ''],
  ] as const)
    t.equal(completed(...words), found, words.join(' '))
  t.end()
})

void t.test('the others', t => {
  const zsh = completionScript('zsh', commands)
  t.match(zsh, /^#compdef zope-failover\nautoload .*bashcompinit/)
  t.match(zsh, 'complete -F _zope_failover zope-failover\n')
  const fish = completionScript('fish', commands)
  for (const line of [
    "-n __fish_use_subcommand -a drain -d 'd'",
    "from drain' -a '(zope-failover completion backends 2>/dev/null)'",
    "from drain' -l for -x -d 'it\\'s'",
    "from drain' -l config -r -F -d",
    "from apache-conf' -l style -x -a 'prg txt' -d",
    "from apache-conf' -l pool -x -a '(zope-failover completion pools 2>/dev/null)'",
    "from apache-conf' -l keep-alive -d",
    "from completion' -a 'bash zsh'",
  ])
    t.ok(fish.includes(line), line)
  t.end()
})
