import { spawnSync } from 'node:child_process'
import { chownSync, mkdirSync, writeFileSync } from 'node:fs'
import t from 'tap'
import { hangMs } from '../../../lab/processes.ts'
import { bare, install, isRoot, main, run } from './command.ts'

const subcommands = [
  'monitor',
  'rewritemap',
  'apache-conf',
  'status',
  'drain',
  'maint',
  'force',
  'ready',
  'explain',
  'probe',
]

void t.test('every subcommand has --config and --help', t => {
  const installation = install(t)
  for (const name of subcommands) {
    const { code, stdout, stderr } = run(installation, [name, '--help'])
    t.match({ code, stderr }, { code: 0, stderr: '' }, name)
    t.match(stdout, /^Usage: zope-failover /)
    t.match(stdout, '--config <file>', name)
  }
  const { stdout } = run(installation, ['--help'])
  for (const name of subcommands) t.match(stdout, `\n  ${name} `)
  t.match(run(installation, ['--version']), {
    code: 0,
    stdout: /^\d+\.\d+\.\d+\n$/,
  })
  t.match(run(installation, ['help']), { code: 0, stdout: /^Usage/ })
  t.end()
})

void t.test('wrong usage is reported on stderr with exit code 2', t => {
  const installation = install(t)
  for (const [args, said] of [
    [[], /^Usage: zope-failover/],
    [['statsu'], /unknown command 'statsu'\n\(Did you mean status\?\)/],
    [['status', '--jsn'], /unknown option '--jsn'\n\(Did you mean --json\?\)/],
    [['status', 'x'], /too many arguments/],
    [['drain'], /missing required argument 'name'/],
    [['explain'], /missing required argument 'pool'/],
    [['monitor', '--log-level', 'x'], /Allowed choices are debug, info/],
    [['rewritemap', '--answer', 'x'], /Allowed choices are name, pair/],
    [['drain', 'zope1', '--for', '5'], /It must look like 30s, 5m or 2h/],
    [['drain', 'zope1', '--for', '0s'], /It must look like 30s, 5m or 2h/],
    [['drain', 'zope1', '--for', '9000h'], /at most 8760h/],
    [['drain', 'zope1', '--reason', 'x'.repeat(1_001)], /at most 1000 char/],
  ] as const) {
    const { code, stdout, stderr } = run(installation, args)
    t.match({ code, stdout }, { code: 2, stdout: '' }, args.join(' '))
    t.match(stderr, said)
  }
  t.end()
})

void t.test('an unknown name is reported with the nearest known one', t => {
  const installation = install(t)
  for (const [args, said] of [
    [
      ['drain', 'zop1'],
      'the backend must be one of the configuration, got "zop1"; did you mean "zope1"?\n',
    ],
    [
      ['ready', 'nobody'],
      'the backend must be one of the configuration, got "nobody"; known here: zope1, zope2\n',
    ],
    [
      ['explain', 'defautl'],
      'the pool must be one of the configuration, got "defautl"; did you mean "default"?\n',
    ],
    [
      ['maint', '\u001B[31m\u009B'],
      String.raw`the backend must be one of the configuration, got "\u001b[31m\u009b"; known here: zope1, zope2` +
        '\n',
    ],
  ] as const)
    t.strictSame(run(installation, args), {
      code: 2,
      stdout: '',
      stderr: said,
    })
  t.match(run(installation, ['probe', 'zop1']), { code: 3, stdout: '' })
  t.match(
    run(installation, ['probe', '--bad']),
    { code: 3 },
    'to a monitoring system 2 would mean: the backend is down',
  )
  t.end()
})

void t.test('a configuration that cannot be used: exit code 2', t => {
  const installation = install(t, 'backends: { zope1: nowhere }\nproeb: {}\n')
  for (const name of ['monitor', 'rewritemap', 'apache-conf', 'status'])
    t.strictSame(run(installation, [name]), {
      code: 2,
      stdout: '',
      stderr:
        `${installation.file}:2: backends.zope1 must be http://HOST:PORT or https://HOST:PORT, PORT from 1 to 65535, without user, path or query, got "nowhere"\n` +
        `${installation.file}:3: proeb is not a known key; did you mean "probe"?\n`,
    })
  t.match(run(installation, ['probe', 'zope1']), { code: 3, stdout: '' })
  const { directory } = installation
  t.strictSame(run(installation, ['status', '--config', directory]), {
    code: 2,
    stdout: '',
    stderr: `${directory}: the configuration must be a regular file, got a directory; name a file with --config\n`,
  })
  t.strictSame(run(installation, ['status', '--config', '/missing.yaml']), {
    code: 2,
    stdout: '',
    stderr:
      '/missing.yaml: the configuration must be a readable file, got ENOENT; create it (two lines are enough, see README) or name another with --config\n',
  })
  t.end()
})

void t.test(
  'no subcommand needs root',
  { skip: isRoot ? false : 'you are not root anyway' },
  t => {
    const { file } = install(t)
    const closed = `${file}.closed`
    writeFileSync(closed, '', { mode: 0o600 })
    const uid = 65_534
    t.strictSame(run({ file: closed, directory: '' }, ['status'], { uid }), {
      code: 2,
      stdout: '',
      stderr: `${closed}: the configuration must be a readable file, got EACCES; let this user (uid 65534) read it and enter its directory\n`,
    })
    const own = install(t)
    // a number without a name, as in a container
    const nameless = 54_321
    mkdirSync(`${own.directory}/mine`)
    chownSync(`${own.directory}/mine`, nameless, nameless)
    writeFileSync(
      own.file,
      `directory: ${own.directory}/mine\nbackends: { zope1: http://127.0.0.1:1 }\n`,
    )
    t.match(run(own, ['drain', 'zope1'], { uid: nameless }), { code: 0 })
    t.match(run(own, ['status', '--json'], { uid: nameless }), {
      code: 0,
      stdout: /"by":"uid 54321"/,
    })
    t.match(run(own, ['explain', 'default'], { uid: nameless }), { code: 0 })
    t.match(run(own, ['ready', 'zope1'], { uid: nameless }), { code: 0 })
    t.match(run(own, ['apache-conf'], { uid: nameless }), { code: 0 })
    t.match(run(own, ['probe', 'zope1'], { uid: nameless }), { code: 2 })
    const other = install(t)
    t.match(run(other, ['drain', 'zope1'], { uid }), {
      code: 1,
      stderr: `${other.directory}/zope1.drain could not be changed (EACCES); give this user (uid 65534) the right to it`,
    })
    t.end()
  },
)

void t.test('a reader that leaves ends the command quietly', t => {
  const { file } = install(t)
  for (const args of ['status --watch --json', 'status --watch']) {
    const { stdout, stderr } = shell(
      file,
      `{ "$@" ${args}; echo "code $?" >&2; } | head -n 1`,
    )
    t.equal(stderr, 'code 0\n', args)
    t.match(stdout, /^.+\n$/)
  }
  t.end()
})

void t.test('output that cannot be written is a failure', t => {
  const { file } = install(t)
  const { status, stderr } = shell(file, '"$@" status >/dev/full')
  t.equal(status, 1)
  t.equal(stderr, 'cannot write the output (ENOSPC)\n')
  t.end()
})

/** Runs a line of shell in which "$@" is the command. */
function shell(file: string, line: string) {
  return spawnSync('sh', ['-c', line, 'sh', 'env', ...bare(file), main], {
    encoding: 'utf8',
    timeout: hangMs,
  })
}
