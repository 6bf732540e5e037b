import { execFileSync } from 'node:child_process'
import {
  mkdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import t, { type Test } from 'tap'
import {
  beatMonitor,
  copyOfDist,
  putUp,
  reportOf,
  startMap,
  writeConfig,
  type MapProgram,
} from '../../../../lab/map.ts'
import { publicDirectory, until } from '../../../../lab/processes.ts'

/** Backends a and b, both up; the configuration is outside the directory. */
function twoUp(t: Test, pools?: string) {
  const directory = publicDirectory(t)
  putUp(directory, 'a', 'b')
  const place = publicDirectory(t)
  const config = writeConfig(
    `${place}/zope-failover.yaml`,
    directory,
    'a b',
    pools,
  )
  return { directory, config, place }
}

/** Lookups that run during the test: each must get its own answer. */
function askOn(map: MapProgram, rest: string) {
  let isOver = false
  const answers = new Map<string, number>()
  const asking = (async () => {
    while (!isOver) {
      const answer = await map.lookup(rest)
      answers.set(answer, (answers.get(answer) ?? 0) + 1)
      await new Promise(setImmediate)
    }
  })()
  return async () => {
    isOver = true
    await asking
    return answers
  }
}

void t.test(
  'a sentinel takes effect at once, however it appears and disappears',
  async t => {
    const { directory, config } = twoUp(t)
    const map = startMap(t, config)
    t.equal(await map.lookup('default'), 'a')
    const file = `${directory}/a.maint`
    for (const [name, come, go] of [
      [
        'written and removed',
        () => writeFileSync(file, 'reason: test\n'),
        () => rmSync(file),
      ],
      [
        'renamed over and away',
        () => {
          writeFileSync(`${directory}/.x.tmp`, '')
          renameSync(`${directory}/.x.tmp`, file)
        },
        () => renameSync(file, `${directory}/.x.tmp`),
      ],
      [
        'written in a burst',
        () => {
          for (let time = 0; time < 200; time++) {
            writeFileSync(file, '')
            rmSync(file)
          }
          writeFileSync(file, '')
        },
        () => {
          for (let time = 0; time < 200; time++) {
            rmSync(file)
            writeFileSync(file, '')
          }
          rmSync(file)
        },
      ],
      [
        'with an end that comes',
        () =>
          writeFileSync(
            file,
            `until: ${new Date(Date.now() + 2_000).toISOString()}\n`,
          ),
        () => {},
      ],
    ] as const) {
      come()
      await map.becomes('default', 'b')
      go()
      await map.becomes('default', 'a')
      t.pass(name)
    }
  },
)

void t.test(
  '`until` accepts offsets; an invalid one means no end, and is logged',
  async t => {
    const { directory, config } = twoUp(t)
    const map = startMap(t, config)
    const inAnHour = new Date(Date.now() + 3_600_000).toISOString().slice(0, 19)
    const anHourAgo = new Date(Date.now() - 3_600_000)
      .toISOString()
      .slice(0, 19)
    for (const [name, until, answer] of [
      ['in an hour', `${inAnHour}Z`, 'b'],
      ['an hour ago', `${anHourAgo}Z`, 'a'],
      ['in an hour, but two hours east: an hour ago', `${inAnHour}+02:00`, 'a'],
      [
        'an hour ago, but two hours west: in an hour',
        `${anHourAgo}-02:00`,
        'b',
      ],
      ['over, CRLF', `${anHourAgo}Z\r`, 'a'],
      ['without offset', anHourAgo, 'b'],
      ['over again', `${anHourAgo}Z`, 'a'],
      ['no time at all', 'tomorrow', 'b'],
    ] as const) {
      writeFileSync(`${directory}/a.maint`, `by: me\nuntil: ${until}\n`)
      await map.becomes('default', answer)
      t.pass(name)
    }
    await map.says(/a\.maint until must be a time.*tomorrow/)
  },
)

void t.test(
  'anything but a regular file counts as absent, and is logged',
  async t => {
    const { directory, config } = twoUp(t)
    const map = startMap(t, config)
    symlinkSync('/etc/passwd', `${directory}/a.maint`)
    mkdirSync(`${directory}/a.drain`)
    execFileSync('mkfifo', [`${directory}/b.maint`])
    for (const name of ['a.maint', 'a.drain', 'b.maint'])
      await map.says(new RegExp(`${name} is not a regular file`))
    t.equal(await map.lookup('default'), 'a')
    t.equal(await map.lookup('default b'), 'b')
  },
)

void t.test('unknown contents and unknown names are logged once', async t => {
  const { directory, config } = twoUp(t)
  const map = startMap(t, config)
  writeFileSync(`${directory}/a.up`, '101\n')
  writeFileSync(`${directory}/zope9.maint`, '')
  writeFileSync(`${directory}/.hidden`, '')
  writeFileSync(`${directory}/a.up.tmp`, '')
  await map.says(
    /a\.up must hold one integer from 0 to 100, got \\"101\\\\n\\"/,
  )
  await map.says(/zope9\.maint does not name a backend/)
  writeFileSync(`${directory}/b.maint`, '')
  await map.becomes('default b', 'a')
  for (const word of ['101', 'zope9', 'hidden', 'a.up.tmp'])
    t.equal(
      map.stderr.split(word).length - 1,
      word === '101' || word === 'zope9' ? 1 : 0,
      word,
    )
})

void t.test('an empty .up is the full share', async t => {
  const { directory, config } = twoUp(t)
  writeFileSync(`${directory}/a.up`, '')
  writeFileSync(`${directory}/b.up`, '0\n')
  const map = startMap(t, config)
  t.equal(await map.lookup('default'), 'a')
  rmSync(`${directory}/a.up`)
  await map.becomes('default', 'b')
})

void t.test('the monitor’s heartbeat is the time of monitor.json', async t => {
  const { directory, config } = twoUp(t)
  rmSync(`${directory}/a.up`)
  rmSync(`${directory}/b.up`)
  const at = (offset: number) => {
    const seconds = Date.now() / 1_000 + offset
    utimesSync(`${directory}/monitor.json`, seconds, seconds)
  }
  beatMonitor(directory, ['a', 'b'])
  const map = startMap(t, config)
  t.equal(
    await map.lookup('default'),
    'NULL',
    'it is alive and has found no backend up',
  )
  for (const [name, offset, answer] of [
    ['an hour old: as if down were not sure', -3_600, 'a'],
    ['new again', 0, 'NULL'],
    ['an hour ahead, as after a clock set back', 3_600, 'a'],
    ['ten seconds ahead is near enough', 10, 'NULL'],
    ['of 1970', -Date.now() / 1_000, 'a'],
  ] as const) {
    at(offset)
    await map.becomes('default', answer)
    t.pass(name)
  }
  await map.says(/monitor is gone/)
  await t.test(
    'garbage in it: it is alive, but has judged no backend',
    async t => {
      for (const rubbish of [
        '',
        '{',
        '[]',
        'null',
        '{"backends":7}',
        '{"backends":{"a":7}}',
        '\0\xff'.repeat(1_000),
      ]) {
        writeFileSync(`${directory}/monitor.json`, rubbish)
        await map.becomes('default', 'a')
      }
      truncateSync(`${directory}/monitor.json`, 100 * 1024 * 1024)
      await map.becomes('default b', 'b')
      t.equal(await map.lookup('default'), 'a', 'huge')
    },
  )
})

void t.test(
  'a directory that is missing, appears, disappears and appears again',
  async t => {
    const { directory, config } = twoUp(t)
    rmSync(directory, { recursive: true, maxRetries: 10 })
    const map = startMap(t, config)
    t.equal(await map.lookup('default'), 'a', 'no verdicts: a backend is tried')
    await map.says(/cannot be read \(ENOENT\); create it/)
    for (let time = 0; time < 3; time++) {
      mkdirSync(directory)
      writeFileSync(`${directory}/a.maint`, '')
      await map.becomes('default', 'b')
      rmSync(`${directory}/a.maint`)
      await map.becomes('default', 'a')
      rmSync(directory, { recursive: true, maxRetries: 10 })
    }
    writeFileSync(directory, 'a file\n')
    await map.says(/cannot be read \(ENOTDIR\); something else/)
    t.equal(await map.lookup('default'), 'a')
    rmSync(directory)
    mkdirSync(directory)
    writeFileSync(`${directory}/a.maint`, '')
    await map.becomes('default', 'b')
    // recreated at once, perhaps with the same inode: its changes are seen too
    rmSync(directory, { recursive: true, maxRetries: 10 })
    mkdirSync(directory)
    await map.becomes('default', 'a')
    writeFileSync(`${directory}/a.drain`, '')
    await map.becomes('default', 'b')
    t.strictSame(await map.end(), { code: 0, signal: null })
  },
)

void t.test(
  'thousands of foreign files cause no flood and no delay',
  async t => {
    const { directory, config } = twoUp(t)
    for (let count = 0; count < 5_000; count++)
      writeFileSync(`${directory}/Strange ${count}`, '')
    const map = startMap(t, config)
    t.equal(await map.lookup('default'), 'a')
    writeFileSync(`${directory}/a.maint`, '')
    await map.becomes('default', 'b')
    await map.says(/holds more than 1000 foreign files/)
    t.ok(map.stderr.split('problem in the directory').length < 100)
    const report = await until('a report', () => reportOf(directory, map.pid))
    t.ok(report.problems.length < 100)
  },
)

void t.test(
  'the configuration changes while lookups run: none is lost',
  async t => {
    const { directory, config, place } = twoUp(t)
    putUp(directory, 'c', 'd', 'e')
    const map = startMap(t, config)
    t.equal(await map.lookup('default'), 'a')
    let done = askOn(map, 'default')
    const change = async (name: string, text: () => void, pattern: RegExp) => {
      const before = map.stderr.length
      text()
      await until(name, () => pattern.test(map.stderr.slice(before)))
      t.pass(name)
    }
    const taken = /configuration loaded/
    const refused = /configuration rejected, keeping the previous one/
    const yaml = (names: string) =>
      writeConfig(`${place}/aside`, directory, names)
    await change(
      'written in place',
      () => writeConfig(config, directory, 'c a'),
      taken,
    )
    await change('renamed over', () => renameSync(yaml('d a'), config), taken)
    await change(
      'deleted and recreated',
      () => {
        rmSync(config)
        writeConfig(config, directory, 'e a')
      },
      taken,
    )
    await change(
      'bad',
      () => writeFileSync(config, 'backends: { e: 5 }\n'),
      refused,
    )
    await change('deleted', () => rmSync(config), refused)
    await change(
      'another directory',
      () => writeConfig(config, '/elsewhere', 'e a'),
      refused,
    )
    t.equal([...(await done())].at(-1)?.[0], 'e', 'the last good one lives on')
    const report = await until('the report to tell', () => {
      const now = reportOf(directory, map.pid)
      return (
        now?.problems.some(problem =>
          problem.includes('directory must stay'),
        ) === true && now
      )
    })
    t.ok(
      (report.answers['a'] ?? 0) > 0 && (report.answers['e'] ?? 0) > 0,
      'counts go on',
    )
    done = askOn(map, 'default')
    await change('fixed', () => writeConfig(config, directory, 'b'), taken)
    await until(
      'problems to be over',
      () => reportOf(directory, map.pid)?.problems.length === 4,
    )
    await done()
    await map.becomes('default', 'b')
    t.strictSame(await map.end(), { code: 0, signal: null })
  },
)

void t.test('pools come and go with the configuration', async t => {
  const { directory, config } = twoUp(t)
  const map = startMap(t, config)
  t.equal(await map.lookup('other'), 'NULL')
  writeConfig(config, directory, 'a b', '  other: { members: [b, a] }\n')
  await map.becomes('other', 'b')
  t.equal(await map.lookup('default'), 'NULL')
})

/** A copy of the program with a different watching thread. */
function withWatcher(t: Test, code: string): string {
  const copy = copyOfDist(t)
  renameSync(
    `${copy}/rewritemap/thread/watcher.js`,
    `${copy}/rewritemap/thread/real-watcher.js`,
  )
  writeFileSync(
    `${copy}/rewritemap/thread/watcher.js`,
    `import { existsSync, writeFileSync } from 'node:fs'\nconst mark = ${JSON.stringify(`${copy}/mark`)}\nconst isFirst = !existsSync(mark)\nwriteFileSync(mark, '')\nif (isFirst) { ${code} }\nawait import('./real-watcher.js')\n`,
  )
  return `${copy}/rewritemap/main.js`
}

for (const [name, code] of [
  ['dies at once', 'process.exit(1)'],
  ['spins forever', 'for (;;) {}'],
  ['dies after a while', 'setTimeout(() => process.exit(1), 1_500)'],
] as const)
  void t.test(
    `a watching thread that ${name} is replaced, and lookups go on`,
    async t => {
      const { directory, config } = twoUp(t)
      const map = startMap(t, config, { main: withWatcher(t, code) })
      const done = askOn(map, 'default b')
      await map.says(/the watching thread was dead, a new one has replaced it/)
      const answers = await done()
      t.strictSame([...answers.keys()], ['b'])
      writeFileSync(`${directory}/b.maint`, '')
      await map.becomes('default b', 'a')
      writeConfig(config, directory, 'b')
      rmSync(`${directory}/b.maint`)
      await map.becomes('default', 'b')
      t.equal(map.stderr.split('a new one has replaced it').length - 1, 1)
      await map.end()
    },
  )

void t.test('without file system events: logged once', async t => {
  const { directory, config } = twoUp(t)
  const code = `
    const { default: fs } = await import('node:fs')
    const { syncBuiltinESMExports } = await import('node:module')
    fs.watch = () => {
      throw Object.assign(new Error('no space left'), { code: 'ENOSPC' })
    }
    syncBuiltinESMExports()`
  const map = startMap(t, config, { main: withWatcher(t, code) })
  await map.says(/cannot watch the directory, reading it once a second/)
  // each report is from a different second
  const seen = new Set<string>()
  await until('more seconds', () => {
    seen.add(reportOf(directory, map.pid)?.written ?? '')
    return seen.size > 4
  })
  writeFileSync(`${directory}/a.maint`, '')
  await map.becomes('default', 'b')
  t.equal(map.stderr.split('cannot watch').length - 1, 1)
  t.notMatch(map.stderr, 'bug')
  await map.end()
})
void t.test(
  'a configuration that becomes a pipe does not hang the watching thread',
  async t => {
    const { directory, config } = twoUp(t)
    const map = startMap(t, config)
    t.equal(await map.lookup('default'), 'a')
    rmSync(config)
    execFileSync('mkfifo', [config])
    await map.says(/must be a regular file, got a named pipe/)
    writeFileSync(`${directory}/a.maint`, '')
    await map.becomes('default', 'b')
  },
)
