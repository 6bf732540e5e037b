// The observer as a process, with a pipe of ours in the place of httpd's.
import { spawn, type ChildProcessByStdio } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import type { Readable, Writable } from 'node:stream'
import t, { type Test } from 'tap'
import {
  dist,
  fullPipe,
  jsonLines,
  publicDirectory,
  until,
} from '../../../lab/processes.ts'

type Observer = {
  readonly child: ChildProcessByStdio<Writable, null, Readable>
  readonly directory: string
  readonly configFile: string
  readonly log: () => string
  /** resolves when the bytes are out of our hands */
  readonly write: (text: string) => Promise<void>
  /** the end of input; resolves to the exit code and the last line it logs */
  readonly end: () => Promise<[unknown, Record<string, unknown>]>
}

const config = (directory: string): string =>
  `directory: ${directory}\nbackends: { zope1: http://127.0.0.1:1 }\n`

function startObserver(
  t: Test,
  options: { config?: string; hasDirectory?: boolean } = {},
): Observer {
  const root = publicDirectory(t)
  const directory = `${root}/run`
  const configFile = `${root}/zope-failover.yaml`
  if (options.hasDirectory !== false) mkdirSync(directory)
  writeFileSync(configFile, options.config ?? config(directory))
  const child = spawn(
    process.execPath,
    [`${dist}/cli/main.js`, 'observe', '--config', configFile],
    { stdio: ['pipe', 'ignore', 'pipe'] },
  )
  const gone = once(child, 'exit')
  t.teardown(async () => {
    if (child.exitCode === null && child.signalCode === null) {
      child.kill('SIGKILL')
      await gone
    }
  })
  let text = ''
  child.stderr.on('data', (chunk: Buffer) => {
    text += chunk.toString()
  })
  return {
    child,
    directory,
    configFile,
    log: () => text,
    write: bytes =>
      new Promise((resolve, reject) => {
        child.stdin.write(bytes, err => {
          if (err) reject(err)
          else resolve()
        })
      }),
    end: async () => {
      const closed = once(child.stderr, 'end')
      child.stdin.end()
      const [code]: unknown[] = await gone
      await closed
      // a write that took longer than the observer waits may be logged after it
      const last = jsonLines(text).find(({ msg }) => msg === 'observer ended')
      if (last === undefined) throw new Error(`no end is logged:\n${text}`)
      return [code, last]
    },
  }
}

function line(attempt = 'zope1,502,-,-', atMs = Date.now()): string {
  return `zf1 ${atMs} first=${attempt} last=${attempt} answer=zope1 zope2\n`
}

void t.test(
  'the end of input ends it, what was said before counts',
  async t => {
    const observer = startObserver(t)
    await observer.write(line() + line('zope1,200,200,-'))
    const [code, last] = await observer.end()
    t.equal(code, 0)
    t.match(last, { msg: 'observer ended', lines: 2, dropped: 0 })
    t.ok(existsSync(`${observer.directory}/zope1.suspect`))
    t.ok(existsSync(`${observer.directory}/zope1.served`))
  },
)

void t.test('unusable lines are dropped, counted and logged', async t => {
  const observer = startObserver(t)
  await observer.write(
    [
      'GET / HTTP/1.1\n',
      '\n',
      '\xff\0\r\n',
      `${'x'.repeat(5_000)}\n`,
      line('zope9,502,-,-'),
      line(),
    ].join(''),
  )
  await until('the suspicion', () =>
    existsSync(`${observer.directory}/zope1.suspect`),
  )
  await until('the drops are logged', () =>
    observer.log().includes('dropped lines or suspicions'),
  )
  const [, last] = await observer.end()
  // zope9: its lead zope1 refused, which is known; zope9 itself is not
  t.match(last, { lines: 6, unreadable: 3, tooLong: 1, unknown: 1, dropped: 5 })
})

void t.test(
  'a bad configuration: it reads on, and takes a good one',
  async t => {
    const observer = startObserver(t, { config: 'backends: 1\n' })
    const { configFile, directory } = observer
    await until('the log line', () =>
      observer.log().includes('configuration rejected'),
    )
    // far more than the pipe holds
    await observer.write(line().repeat(10_000))
    writeFileSync(configFile, config(directory))
    await until('it takes the good one', () =>
      observer.log().includes('observer started'),
    )
    await observer.write(line())
    await until('the suspicion', () => existsSync(`${directory}/zope1.suspect`))
    const [code, last] = await observer.end()
    t.equal(code, 0)
    t.match(last, { lines: 10_001, unknown: 10_000 })
  },
)

void t.test('a directory that comes later is found', async t => {
  const observer = startObserver(t, { hasDirectory: false })
  await observer.write(line())
  await until('the log line', () => observer.log().includes('"err":"ENOENT"'))
  mkdirSync(observer.directory)
  await until('the suspicion', async () => {
    await observer.write(line())
    return existsSync(`${observer.directory}/zope1.suspect`)
  })
  t.equal((await observer.end())[0], 0)
})

void t.test('a flood is read to its end', async t => {
  const observer = startObserver(t)
  await until('the start', () => observer.log().includes('observer started'))
  const startMs = performance.now()
  const good = line('zope1,200,200,-').repeat(1_000)
  for (let count = 0; count < 200; count++) await observer.write(good)
  const [code, last] = await observer.end()
  const ms = performance.now() - startMs
  t.equal(code, 0)
  t.equal(last['lines'], 200_000)
  t.comment(
    `200,000 lines in ${Math.round(ms)} ms, ${String(last['skipped'])} of them not looked at`,
  )
})

void t.test('signals for the whole of httpd are not for it', async t => {
  const observer = startObserver(t)
  await until('the start', () => observer.log().includes('observer started'))
  for (const signal of ['SIGHUP', 'SIGUSR1', 'SIGUSR2'] as const)
    observer.child.kill(signal)
  await observer.write(line())
  await until('the suspicion', () =>
    existsSync(`${observer.directory}/zope1.suspect`),
  )
  t.notMatch(observer.log(), 'Debugger')
  const gone = once(observer.child, 'exit')
  observer.child.kill('SIGTERM')
  t.strictSame(await gone, [0, null], 'it stops on request')
})

void t.test('a log that is not being read does not block reading', async t => {
  const observer = startObserver(t)
  await until('the start', () => observer.log().includes('observer started'))
  observer.child.stderr.destroy()
  await observer.write(`${'?\n'.repeat(1_000)}${line()}`)
  await until('the suspicion', () =>
    existsSync(`${observer.directory}/zope1.suspect`),
  )
  const gone = once(observer.child, 'exit')
  observer.child.stdin.end()
  t.strictSame(await gone, [0, null])
})

void t.test('a log that is not being read does not block the end', async t => {
  for (const end of ['the end of input', 'SIGTERM'] as const) {
    const root = publicDirectory(t)
    const directory = `${root}/run`
    mkdirSync(directory)
    writeFileSync(`${root}/f.yaml`, config(directory))
    const child = spawn(
      process.execPath,
      [`${dist}/cli/main.js`, 'observe', '--config', `${root}/f.yaml`],
      { stdio: ['pipe', 'ignore', fullPipe(t)] },
    )
    t.teardown(() => child.kill('SIGKILL'))
    const gone = once(child, 'exit')
    child.stdin?.write(line())
    await until('the suspicion', () => existsSync(`${directory}/zope1.suspect`))
    if (end === 'SIGTERM') child.kill(end)
    else child.stdin?.end()
    await gone
    t.pass(end)
  }
})
