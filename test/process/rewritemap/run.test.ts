import { execFileSync, spawn } from 'node:child_process'
import {
  chmodSync,
  closeSync,
  constants,
  openSync,
  readFileSync,
  writeFileSync,
} from 'node:fs'
import t from 'tap'
import {
  beatMonitor,
  putUp,
  reportOf,
  startMap,
  writeConfig,
} from '../../../lab/map.ts'
import { publicDirectory, until } from '../../../lab/processes.ts'

void t.test('what an answer names', async t => {
  const directory = publicDirectory(t)
  putUp(directory, 'a', 'b', 'c', 'd')
  const config = `${directory}/.config.yaml`
  writeFileSync(
    config,
    `directory: ${directory}
backends:
  a: http://10.0.0.1:8080
  b: http://[2001:db8::1]:8080
  c: http://zope.example
  d: https://zope.example
`,
  )
  const address = startMap(t, config, { args: ['--answer', 'address'] })
  for (const [route, answer] of [
    ['a', '10.0.0.1:8080'],
    ['b', '[2001:db8::1]:8080'],
    ['c', 'zope.example:80'],
    ['d', 'zope.example:443'],
  ] as const)
    t.equal(await address.lookup(`default ${route}`), answer)
  t.equal(await address.lookup('nowhere'), 'NULL')
  const pair = startMap(t, config, { args: ['--answer', 'pair'] })
  t.equal(await pair.lookup('default'), 'a b')
  t.equal(await pair.lookup('default d'), 'd a')
  t.equal(await pair.lookup('nowhere'), 'NULL')
  t.equal(await pair.ask('- default'), 'a b')
  await t.test(
    'two maps in one directory each tell about themselves',
    async t => {
      const report = reportOf.bind(null, directory)
      await until('the report of one', () => report(address.pid)?.lookups === 5)
      const other = await until(
        'the report of the other',
        () => report(pair.pid)?.lookups === 4 && report(pair.pid),
      )
      t.match(other, {
        malformed: 1,
        unanswered: 0,
        faults: 0,
        answers: { a: 2, d: 1 },
      })
      await address.end()
      t.equal(report(address.pid), undefined, 'taken away at the end')
      t.ok(report(pair.pid), 'the other one stays')
      pair.child.kill('SIGKILL')
      await pair.exit()
      t.ok(report(pair.pid), 'left behind')
      startMap(t, config)
      await until(
        'a later map to clear that away',
        () => report(pair.pid) === undefined,
      )
    },
  )
})

void t.test('a directory that all users can write to is not used', async t => {
  const directory = publicDirectory(t)
  const config = `${publicDirectory(t)}/f.yaml`
  putUp(directory, 'a', 'b')
  writeConfig(config, directory, 'a b')
  writeFileSync(`${directory}/a.maint`, '')
  t.equal(await startMap(t, config).lookup('default'), 'b')
  chmodSync(directory, 0o777)
  const map = startMap(t, config)
  t.equal(await map.lookup('default'), 'a', 'as if it were empty')
  await until('the log line', () =>
    map.stderr.includes('must not be writable by all users (mode 777)'),
  )
})

void t.test(
  'a bad configuration: exit 2, every problem, not a byte on stdout',
  async t => {
    const directory = publicDirectory(t)
    const config = `${directory}/.config.yaml`
    for (const [name, text, problems] of [
      [
        'wrong keys',
        'backends: { a: ftp://x }\nwrong: 1\nstaleAfter: 5\n',
        [/backends\.a/, /wrong/, /staleAfter/],
      ],
      ['no YAML', 'backends: [', [/YAML/]],
      ['nothing in it', '', [/backends/]],
      ['not there', null, [/ENOENT.*create it/]],
    ] as const) {
      if (text === null) execFileSync('rm', [config])
      else writeFileSync(config, text)
      const map = startMap(t, config)
      t.strictSame(await map.exit(), { code: 2, signal: null }, name)
      t.equal(map.rest, '', name)
      for (const problem of problems) t.match(map.stderr, problem, name)
      t.notMatch(map.stderr, /^ +at /m, 'no stack')
    }
  },
)

void t.test('wrong usage: exit 2', async t => {
  const directory = publicDirectory(t)
  const config = writeConfig(`${directory}/.config.yaml`, directory, 'a')
  for (const [args, problem] of [
    [
      ['--answer', 'nonsense'],
      /--answer must be name or pair or address, got "nonsense"/,
    ],
    [['--nonsense'], /--nonsense/],
  ] as const) {
    const map = startMap(t, config, { args })
    t.strictSame(await map.exit(), { code: 2, signal: null })
    t.equal(map.rest, '')
    t.match(map.stderr, problem)
  }
})

void t.test(
  'malformed lookups are logged at most once a second, and counted',
  async t => {
    const directory = publicDirectory(t)
    const map = startMap(
      t,
      writeConfig(`${directory}/.config.yaml`, directory, 'a'),
    )
    for (let time = 0; time < 1_000; time++) await map.lookup('nowhere')
    // and logged although no further lookup comes
    await until('the count', () => /"malformed":1000/.test(map.stderr))
    t.ok(map.stderr.split('malformed lookups').length < 100)
  },
)

/** The write end of a pipe that is not being read and is completely full. */
function stuckPipe(t: Parameters<typeof publicDirectory>[0]): number {
  const fifo = `${publicDirectory(t)}/log`
  execFileSync('mkfifo', [fifo])
  const reader = openSync(fifo, 'r+')
  t.teardown(() => closeSync(reader))
  const writer = openSync(fifo, 'w')
  t.teardown(() => closeSync(writer))
  const filler = spawn('sh', ['-c', 'while :; do echo fill; done'], {
    stdio: ['ignore', writer, 'ignore'],
  })
  t.teardown(() => filler.kill('SIGKILL'))
  return writer
}

void t.test(
  'an error log that is not being read blocks neither answers nor the end',
  async t => {
    const directory = publicDirectory(t)
    const config = writeConfig(`${directory}/.config.yaml`, directory, 'a b')
    putUp(directory, 'a', 'b')
    // thirty problems to log
    for (let strange = 0; strange < 30; strange++)
      writeFileSync(`${directory}/Strange${strange}`, '')
    const map = startMap(t, config, { stderr: stuckPipe(t) })
    await until('a report', () => reportOf(directory, map.pid))
    for (let time = 0; time < 10_000; time++)
      if ((await map.lookup('default b')) !== 'b') throw new Error('not b')
    writeFileSync(`${directory}/b.maint`, '')
    await map.becomes('default b', 'a')
    const began = performance.now()
    const { code, signal } = await map.end()
    t.comment(
      `ended ${((performance.now() - began) / 1_000).toFixed(1)} s after the end of input: code ${code}, signal ${signal}`,
    )
    t.equal(
      reportOf(directory, map.pid),
      undefined,
      'its report is taken away all the same',
    )
  },
)

void t.test('a failing error log makes it neither spin nor exit', async t => {
  const directory = publicDirectory(t)
  const config = writeConfig(`${directory}/.config.yaml`, directory, 'a')
  writeFileSync(`${directory}/Strange`, '')
  const full = openSync('/dev/full', 'w')
  t.teardown(() => closeSync(full))
  const map = startMap(t, config, { stderr: full })
  for (let round = 0; round < 3; round++) {
    const before = reportOf(directory, map.pid)?.written
    await until(
      'a report',
      () => reportOf(directory, map.pid)?.written !== before,
    )
    t.equal(await map.lookup('nowhere'), 'NULL')
  }
  t.strictSame(await map.end(), { code: 0, signal: null })
})

void t.test('the last log lines are flushed before the end', async t => {
  const directory = publicDirectory(t)
  const map = startMap(
    t,
    writeConfig(`${directory}/.config.yaml`, directory, 'a'),
  )
  await until('a report', () => reportOf(directory, map.pid))
  map.stdin.write('n nowhere\n'.repeat(7))
  t.strictSame(await map.end(), { code: 0, signal: null })
  t.match(map.stderr, /"malformed":7/)
})

void t.test(
  'the error log that httpd shares stays as it was: blocking',
  async t => {
    const directory = publicDirectory(t)
    const config = writeConfig(`${directory}/.config.yaml`, directory, 'a')
    const map = startMap(t, config)
    await until('a report', () => reportOf(directory, map.pid))
    for (const fd of [0, 1, 2]) {
      const info = readFileSync(`/proc/${map.pid}/fdinfo/${fd}`, 'utf8')
      const flags = Number.parseInt(/flags:\s*(\d+)/.exec(info)?.[1] ?? '', 8)
      t.equal(flags & constants.O_NONBLOCK, 0, `descriptor ${fd}`)
    }
  },
)

void t.test(
  'with monitor.json a judged backend without a verdict up is down',
  async t => {
    const directory = publicDirectory(t)
    const config = writeConfig(`${directory}/.config.yaml`, directory, 'a b')
    beatMonitor(directory, ['a', 'b'])
    const map = startMap(t, config)
    t.equal(await map.lookup('default'), 'NULL')
    putUp(directory, 'b')
    await map.becomes('default', 'b')
  },
)
