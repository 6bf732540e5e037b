import { spawnSync } from 'node:child_process'
import { utimesSync, writeFileSync } from 'node:fs'
import t from 'tap'
import { dist, hangMs } from '../../../lab/processes.ts'
import { bare, install, run, type Installation } from './command.ts'

/** What a map that has just started answers: backend and next, for each question. */
function ask(
  { file }: Installation,
  questions: readonly (readonly string[])[],
): string[] {
  const { stdout } = spawnSync(
    'env',
    [...bare(file), `${dist}/rewritemap/main.js`, '--answer', 'pair'],
    {
      input: questions.map(fields => `- ${fields.join(' ')}\n`).join(''),
      encoding: 'utf8',
      timeout: hangMs,
    },
  )
  return stdout.trim().split('\n')
}

/** The same out of the sentences. */
function explained(installation: Installation, ...args: string[]): string {
  const { code, stdout } = run(installation, ['explain', ...args])
  const [first = '', second = ''] = stdout.split('\n')
  const next = /failed: ([\w-]+)\.$/.exec(second)?.[1]
  if (code !== 0) return `code ${code}`
  return first.startsWith('None')
    ? 'NULL'
    : `${first.split(':')[0]} ${next === 'none' ? '-' : next}`
}

const configuration = [
  'staleAfter: 1h',
  'backends: { a: http://127.0.0.1:1, b: http://127.0.0.1:2, c: http://127.0.0.1:3, d: "http://[::1]:4" }',
  'pools:',
  '  default: { members: [a, b, c, d] }',
  '  flat: { policy: balance }',
  '  equal: { policy: balance }',
  '  relaxed: { policy: balance, stickiness: relaxed, failback: all, whenAllDown: try-all }',
  '',
].join('\n')

void t.test('explain agrees with the map program', t => {
  for (const [title, files] of [
    ['no backend was ever judged', {}],
    ['all are up', { 'a.up': '', 'b.up': '', 'c.up': '', 'd.up': '' }],
    [
      'administrators and shares',
      {
        'a.up': '0\n',
        'b.up': '',
        'b.drain': '',
        'c.force': '',
        'd.maint': '',
      },
    ],
    ['all are down', { 'monitor.json': '' }],
    [
      'only drained ones are left',
      {
        'monitor.json': '',
        'a.up': '',
        'a.drain': '',
        'b.up': '50',
        'b.drain': '',
      },
    ],
  ] as const) {
    const installation = install(t, configuration)
    for (const [name, text] of Object.entries(files))
      writeFileSync(
        `${installation.directory}/${name}`,
        name === 'monitor.json'
          ? JSON.stringify({
              pid: 1,
              backends: Object.fromEntries(
                ['a', 'b', 'c', 'd'].map(one => [one, { state: 'down' }]),
              ),
            })
          : text,
      )
    if ('monitor.json' in files) {
      // fresh until the last of the lookups, on the slowest machine
      const soon = Date.now() / 1_000 + 1_800
      utimesSync(`${installation.directory}/monitor.json`, soon, soon)
    }
    const questions = [
      ['default'],
      ['default', 'b'],
      ['default', '-', 'key'],
      ['flat'],
      // alone in its pool: the answer depends on the turn
      ['equal', 'c'],
      ['flat', 'nobody', 'some key'],
      ['flat', '-', 'ünïcode'],
      ['relaxed', 'a', 'key'],
    ]
    const answers = ask(installation, questions)
    for (const [index, fields] of questions.entries())
      t.equal(
        explained(installation, ...fields),
        answers[index],
        `${title}: ${fields.join(' ')}`,
      )
  }
  t.end()
})

void t.test('problems of the directory go to stderr, made harmless', t => {
  const installation = install(t)
  writeFileSync(`${installation.directory}/\u001B[31m`, '')
  const { code, stdout, stderr } = run(installation, ['explain', 'default'])
  t.equal(code, 0)
  t.match(stdout, /^zope1: /)
  t.match(stderr, String.raw`\u001b[31m has no meaning here`)
  t.notMatch(stderr + stdout, '\u001B')
  t.end()
})

void t.test('a route that is not a member is shown, but ignored', t => {
  const { code, stdout } = run(install(t), [
    'explain',
    'default',
    '\u001B[31m\u009B',
  ])
  t.equal(code, 0)
  t.match(stdout, String.raw`"\u001b[31m\u009b" is not a member of default`)
  t.end()
})
