import { execFileSync, spawnSync } from 'node:child_process'
import {
  chmodSync,
  chownSync,
  mkdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { createServer } from 'node:net'
import { once } from 'node:events'
import t from 'tap'
import { isInEffect, readSentinels } from '../../../sentinels/read.ts'
import type { Snapshot } from '../../../sentinels/snapshot.ts'
import { dist, publicDirectory } from '../../../lab/processes.ts'

function read(directory: string): Snapshot {
  return readSentinels(directory, new Set(['zope1', 'zope2']))
}

function problemsOf(directory: string): string[] {
  return read(directory).problems.map(({ text }) =>
    text.replaceAll(directory, 'DIR'),
  )
}

/** Reads as another user, without root's access to everything. */
function readAsNobody(directory: string): {
  share: number | null | undefined
  drain: boolean
  monitor: boolean
  problems: string[]
} {
  const script = `
    import { readSentinels } from ${JSON.stringify(`${dist}/sentinels/read.js`)}
    const { backends, monitor, problems } = readSentinels(${JSON.stringify(directory)}, new Set(['zope1']))
    process.stdout.write(JSON.stringify({
      share: backends.get('zope1')?.share,
      drain: backends.get('zope1')?.drain != null,
      monitor: monitor !== null,
      problems: problems.map(({ text }) => text),
    }))`
  const { stdout, stderr } = spawnSync(
    'env',
    // without tap's environment for coverage: an unprivileged user cannot write that
    ['-i', process.execPath, '--input-type=module', '-e', script],
    { uid: 65_534, gid: 65_534, encoding: 'utf8', cwd: '/' },
  )
  if (stdout === '') throw new Error(stderr)
  return JSON.parse(stdout.replaceAll(directory, 'DIR'))
}

const isRoot = process.getuid?.() === 0

void t.test('the directory is read as it stands', t => {
  const directory = t.testdir({
    'zope1.up': '50\n',
    'zope1.drain': 'reason: new disk\r\nby: jim\r\n',
    'zope2.maint': '',
    'zope2.force': '',
    'zope2.suspect': '',
    'monitor.json': '{"backends":{"zope1":{"state":"up"}}}',
    'rewritemap-17.json': '{}',
    '.zope1.up.17.tmp': 'half',
    'zope1.up.tmp': 'half',
  })
  chmodSync(directory, 0o755)
  utimesSync(`${directory}/monitor.json`, 1_000, 1_000)
  const empty = { reason: null, by: null, until: null }
  t.strictSame(read(directory), {
    backends: new Map([
      [
        'zope1',
        {
          share: 50,
          maint: null,
          drain: { reason: 'new disk', by: 'jim', until: null },
          force: null,
        },
      ],
      [
        'zope2',
        {
          share: null,
          maint: empty,
          drain: null,
          force: empty,
        },
      ],
    ]),
    monitor: { writtenMs: 1_000_000, judged: new Set(['zope1']) },
    problems: [],
  })
  t.end()
})

void t.test('unknown content is reported and does no harm', t => {
  const directory = t.testdir({
    'zope1.up': 'yes\n',
    'zope1.drain': 'soon\n',
    'zope3.up': '',
    'zope1.UP': '',
    'monitor.json': 'half',
  })
  chmodSync(directory, 0o755)
  t.strictSame(problemsOf(directory).sort(), [
    'monitor.json is not a report of a monitor, only its time counts',
    'zope1.UP has no meaning here and is ignored; see the file names in README',
    'zope1.drain may hold lines "reason: …", "by: …", "until: …" only, got "soon"',
    String.raw`zope1.up must hold one integer from 0 to 100, got "yes\n"; treated as 100`,
    'zope3.up does not name a backend of the configuration and is ignored',
  ])
  const { backends, monitor } = read(directory)
  t.match(backends.get('zope1'), { share: 100, drain: { until: null } })
  t.match(monitor, { judged: new Set() })
  t.end()
})

void t.test('a file that is too long keeps its whole lines', t => {
  const directory = t.testdir({
    'zope1.drain': `by: jim\nreason: ${'x'.repeat(5_000)}\nuntil: 2030-01-01T00:00:00Z\n`,
    'zope1.up': `50\n${'\n'.repeat(5_000)}`,
    'zope2.up': '0'.repeat(5_000),
  })
  chmodSync(directory, 0o755)
  const longer = 'is longer than 4096 bytes, the rest is ignored'
  t.strictSame(problemsOf(directory).sort(), [
    `zope1.drain ${longer}`,
    `zope1.up ${longer}`,
    `zope2.up ${longer}`,
  ])
  t.match(read(directory).backends.get('zope1'), {
    share: 50,
    drain: { by: 'jim', reason: null, until: null },
  })
  t.equal(read(directory).backends.get('zope2')?.share, 100)
  t.end()
})

void t.test('only regular files count; nothing else blocks', async t => {
  // a socket's path must be short
  const directory = publicDirectory(t)
  writeFileSync(`${directory}/target`, '')
  symlinkSync('target', `${directory}/zope1.up`)
  symlinkSync('missing', `${directory}/zope1.drain`)
  mkdirSync(`${directory}/zope1.maint`)
  execFileSync('mkfifo', [`${directory}/zope1.force`])
  const server = createServer().listen(`${directory}/zope1.suspect`)
  await once(server, 'listening')
  t.teardown(() => server.close())
  execFileSync('mkfifo', [`${directory}/monitor.json`])
  const refused = 'is not a regular file and is ignored; remove it'
  t.strictSame(
    problemsOf(directory)
      .filter(text => text.endsWith(refused))
      .sort(),
    [
      'monitor.json',
      'zope1.drain',
      'zope1.force',
      'zope1.maint',
      'zope1.suspect',
      'zope1.up',
    ].map(name => `${name} ${refused}`),
  )
  t.equal(read(directory).backends.get('zope1'), undefined)
  t.equal(read(directory).monitor, null)
})

void t.test('a directory that cannot be used says why', t => {
  const parent = t.testdir({ file: '', open: {}, sticky: {} })
  t.strictSame(problemsOf(`${parent}/missing`), [
    'DIR cannot be read (ENOENT); create it, or start the monitor, which does',
  ])
  t.strictSame(problemsOf(`${parent}/file`), [
    'DIR cannot be read (ENOTDIR); something else is in its place: move that away or set another directory',
  ])
  t.match(read(`${parent}/missing`), { backends: new Map(), monitor: null })
  chmodSync(`${parent}/open`, 0o777)
  chmodSync(`${parent}/sticky`, 0o1777)
  for (const [name, mode] of [
    ['open', '777'],
    // keeps files from being removed, not from being made
    ['sticky', '1777'],
  ] as const) {
    writeFileSync(`${parent}/${name}/zope1.maint`, '')
    writeFileSync(`${parent}/${name}/monitor.json`, '{}')
    t.strictSame(problemsOf(`${parent}/${name}`), [
      `DIR must not be writable by all users (mode ${mode}): any of them could take a backend out of service or bring it back; nothing in it is used; type: chmod o-w,-t DIR`,
    ])
    t.match(read(`${parent}/${name}`), { backends: new Map(), monitor: null })
  }
  mkdirSync(`${parent}/open/run`, { mode: 0o755 })
  writeFileSync(`${parent}/open/run/zope1.maint`, '')
  t.match(problemsOf(`${parent}/open/run`), [
    /open, above DIR, must not be writable by all users \(mode 777\)/,
  ])
  t.equal(read(`${parent}/open/run`).backends.size, 0)
  mkdirSync(`${parent}/sticky/run`, { mode: 0o755 })
  t.strictSame(problemsOf(`${parent}/sticky/run`), [], 'as below /tmp')
  // a group of administrators, another owner: both are usual
  chmodSync(`${parent}/sticky/run`, 0o2775)
  if (isRoot) chownSync(`${parent}/sticky/run`, 12_345, 12_345)
  t.strictSame(problemsOf(`${parent}/sticky/run`), [])
  t.end()
})

void t.test(
  'a file that temporarily cannot be read keeps its last content',
  { skip: isRoot ? false : 'root may become another user, you may not' },
  t => {
    const directory = publicDirectory(t)
    writeFileSync(`${directory}/zope1.up`, '20\n')
    writeFileSync(`${directory}/zope1.maint`, 'by: jim\n')
    writeFileSync(`${directory}/zope2.drain`, '')
    writeFileSync(
      `${directory}/monitor.json`,
      '{"backends":{"zope1":{"state":"up"}}}',
    )
    for (const name of ['', 'zope1.up', 'zope1.maint', 'monitor.json'])
      chownSync(`${directory}/${name}`, 65_534, 65_534)
    const script = `
      import { chmodSync, openSync, closeSync, rmSync } from 'node:fs'
      import { SentinelReader, readSentinels } from ${JSON.stringify(`${dist}/sentinels/read.js`)}
      const directory = ${JSON.stringify(directory)}
      const known = new Set(['zope1', 'zope2'])
      const reader = new SentinelReader(directory)
      const seen = {}
      const look = (name, read = () => reader.read(known)) => {
        const { backends, monitor, problems } = read()
        const { share, maint } = backends.get('zope1') ?? {}
        seen[name] = { share, by: maint?.by, drain: backends.get('zope2')?.drain != null, judged: monitor?.judged.size, problems: problems.length }
      }
      look('first')
      chmodSync(directory, 0o000)
      look('closed')
      chmodSync(directory, 0o311)
      look('unlisted')
      look('unlisted, first look', () => readSentinels(directory, known))
      chmodSync(directory, 0o755)
      for (const file of ['zope1.up', 'zope1.maint', 'monitor.json']) chmodSync(directory + '/' + file, 0)
      look('files closed')
      for (const file of ['zope1.up', 'zope1.maint', 'monitor.json']) chmodSync(directory + '/' + file, 0o644)
      const open = []
      try { for (;;) open.push(openSync('/dev/null', 'r')) } catch { /* EMFILE: as many as there may be */ }
      look('no descriptor left')
      open.forEach(closeSync)
      rmSync(directory + '/zope1.maint')
      look('gone')
      process.stdout.write(JSON.stringify(seen))`
    const { stdout, stderr } = spawnSync(
      'prlimit',
      [
        '--nofile=64',
        'env',
        '-i',
        process.execPath,
        '--input-type=module',
        '-e',
        script,
      ],
      { uid: 65_534, gid: 65_534, encoding: 'utf8', cwd: '/' },
    )
    if (stdout === '') throw new Error(stderr)
    const whole = { share: 20, by: 'jim', drain: true, judged: 1 }
    t.match(JSON.parse(stdout), {
      first: { ...whole, problems: 0 },
      closed: { ...whole, problems: 1 },
      unlisted: { ...whole, problems: 1 },
      'unlisted, first look': whole,
      'files closed': { ...whole, problems: 3 },
      'no descriptor left': whole,
      gone: { share: 20, by: undefined, problems: 0 },
    })
    t.end()
  },
)

void t.test(
  'a file without read access still counts by its name',
  { skip: isRoot ? false : 'root may become another user, you may not' },
  t => {
    const directory = publicDirectory(t)
    for (const name of ['zope1.up', 'zope1.drain', 'monitor.json'])
      writeFileSync(`${directory}/${name}`, '0\n', { mode: 0o600 })
    mkdirSync(`${directory}/zope1.maint`, { mode: 0o700 })
    const unread =
      'cannot be read (EACCES) and counts as an empty file; let uid 65534 read it: chmod a+r'
    const seen = readAsNobody(directory)
    t.match(seen, { share: 100, drain: true, monitor: true })
    t.strictSame(seen.problems.sort(), [
      'monitor.json cannot be read (EACCES), only its time counts; let uid 65534 read it: chmod a+r',
      `zope1.drain ${unread}`,
      'zope1.maint is not a regular file and is ignored; remove it',
      `zope1.up ${unread}`,
    ])
    chmodSync(directory, 0o744)
    t.match(
      readAsNobody(directory),
      { share: 100, drain: true, monitor: false },
      'names only',
    )
    chmodSync(directory, 0o700)
    t.strictSame(readAsNobody(directory).problems, [
      'DIR cannot be read (EACCES); give this user (uid 65534) the right to it: chown or chmod a+rx',
    ])
    t.end()
  },
)

void t.test('unknown names are shown, whatever their bytes', t => {
  const directory = t.testdir()
  chmodSync(directory, 0o755)
  for (const name of ['\u001B[31m.up', 'two\nlines', '--help', 'lost+found'])
    writeFileSync(`${directory}/${name}`, '')
  writeFileSync(
    Buffer.concat([Buffer.from(`${directory}/`), Buffer.from([0xff, 0xfe])]),
    '',
  )
  t.equal(problemsOf(directory).length, 5)
  rmSync(directory, { recursive: true })
  t.end()
})

void t.test(
  'a file that goes while the directory is read is as if absent',
  t => {
    const directory = t.testdir({ 'zope1.up': '', 'zope2.up': '' })
    chmodSync(directory, 0o755)
    renameSync(`${directory}/zope1.up`, `${directory}/.gone`)
    t.strictSame([...read(directory).backends.keys()], ['zope2'])
    t.end()
  },
)

void t.test('one file of the administrator', t => {
  const directory = t.testdir({
    'zope1.maint': '',
    'zope2.maint': 'until: 2026-11-22T00:00:01Z\n',
    'zope3.maint': {},
  })
  const now = Date.UTC(2026, 10, 22)
  t.equal(isInEffect(directory, 'zope1', 'maint', now), true)
  t.equal(isInEffect(directory, 'zope1', 'drain', now), false)
  t.equal(isInEffect(directory, 'zope2', 'maint', now), true)
  t.equal(isInEffect(directory, 'zope2', 'maint', now + 1_001), false)
  t.equal(isInEffect(directory, 'zope3', 'maint', now), false)
  t.equal(isInEffect(`${directory}/none`, 'zope1', 'maint', now), false)
  t.end()
})
