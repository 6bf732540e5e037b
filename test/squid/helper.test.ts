// The helper on a socket, as Squid starts it: fd 0 and fd 1 are one socket.
import { spawn } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import type { Socket } from 'node:net'
import { once } from 'node:events'
import { resolve } from 'node:path'
import t from 'tap'
import type { Test } from 'tap'
import { MapProgram, putUp, beatMonitor, writeConfig } from '../fixtures/map.ts'
import { dist, publicDirectory, textOf, until } from '../fixtures/processes.ts'

const main = resolve(dist, 'squid/main.js')

function startHelper(
  t: Test,
  configFile: string,
  args: readonly string[] = [],
) {
  return new MapProgram(
    t,
    spawn(process.execPath, [main, '--config', configFile, ...args], {
      stdio: ['pipe', 'pipe', 'pipe'],
    }),
  )
}

function site(t: Test) {
  const directory = publicDirectory(t)
  const configFile = writeConfig(
    resolve(directory, 'zope-failover.yaml'),
    directory,
    'zope1 zope2',
  )
  putUp(directory, 'zope1', 'zope2')
  beatMonitor(directory, ['zope1', 'zope2'])
  return { directory, configFile }
}

void t.test(
  'answers, follows the directory, reports, ends with the input',
  async t => {
    const { directory, configFile } = site(t)
    const helper = startHelper(t, configFile)
    t.equal(
      await helper.ask('1 http://h/ default -'),
      '1 OK backend_=zope1 next_=zope2 bind_=1',
    )
    writeFileSync(resolve(directory, 'zope1.maint'), '')
    await until(
      'zope2 gets new visitors',
      async () =>
        (await helper.ask('2 http://h/ default -')) ===
        '2 OK backend_=zope2 next_=- bind_=1',
    )
    writeFileSync(resolve(directory, 'zope2.maint'), '')
    await until(
      'no backend is left',
      async () =>
        (await helper.ask('http://h/ default')) === 'OK backend_=none',
    )
    const report = await until('the report counts them', () => {
      const text = textOf(resolve(directory, `squid-helper-${helper.pid}.json`))
      if (text === undefined) return false
      const counted: unknown = JSON.parse(text)
      return typeof counted === 'object' &&
        counted !== null &&
        'unanswered' in counted &&
        counted.unanswered !== 0
        ? counted
        : false
    })
    t.match(report, { pid: helper.pid, malformed: 0 })
    t.strictSame(await helper.end(), { code: 0, signal: null })
    t.equal(helper.rest, '', 'nothing that was not asked for')
  },
)

void t.test('a signal does not end it: Squid would exit', async t => {
  const { configFile } = site(t)
  const helper = startHelper(t, configFile)
  await helper.ask('1 http://h/ default')
  for (const signal of [
    'SIGTERM',
    'SIGHUP',
    'SIGINT',
    'SIGUSR1',
    'SIGUSR2',
  ] as const) {
    helper.child.kill(signal)
    t.match(await helper.ask('2 http://h/ default'), /^2 OK/, signal)
  }
})

void t.test(
  'without a configuration every answer is ERR, until there is one',
  async t => {
    const directory = publicDirectory(t)
    const configFile = resolve(directory, 'zope-failover.yaml')
    const helper = startHelper(t, configFile, ['--directory', directory])
    t.equal(await helper.ask('1 http://h/ default'), '1 ERR')
    await helper.says(/the configuration must be a readable file, got ENOENT/)
    writeConfig(configFile, directory, 'zope1')
    await until('the configuration is used', async () =>
      (await helper.ask('2 http://h/ default')).startsWith(
        '2 OK backend_=zope1',
      ),
    )
    t.strictSame(await helper.end(), { code: 0, signal: null })

    writeFileSync(configFile, 'backends: [')
    const kept = startHelper(t, configFile, ['--directory', directory])
    t.match(
      await kept.ask('1 http://h/ default'),
      /^1 OK backend_=zope1/,
      'the last good one',
    )
    await kept.says(/last good configuration/)
  },
)

void t.test(
  'options that cannot be used are reported, and every answer is ERR',
  async t => {
    const { configFile } = site(t)
    for (const [args, problem] of [
      [['--site', 'Plone'], /--site must be a path inside Zope/],
      [['--what'], /--what/],
    ] as const) {
      const helper = startHelper(t, configFile, args)
      t.match(
        await helper.ask('1 http://h/ default'),
        args[0] === '--what' ? /^1 (ERR|OK)/ : /^1 ERR/,
      )
      await helper.says(problem)
      t.strictSame(await helper.end(), { code: 0, signal: null })
    }
  },
)

void t.test('one socket for both directions, as Squid has it', async t => {
  const { configFile } = site(t)
  const server = createServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string')
    throw new Error('no port')
  const child = spawn(
    'bash',
    [
      '-c',
      `exec 3<>/dev/tcp/127.0.0.1/${address.port}; exec "$0" "$1" --config "$2" <&3 >&3 3>&-`,
      process.execPath,
      main,
      configFile,
    ],
    { stdio: ['ignore', 'ignore', 'ignore'] },
  )
  const gone = once(child, 'exit')
  t.teardown(async () => {
    child.kill('SIGKILL')
    await gone
  })
  const [socket]: Socket[] = await once(server, 'connection')
  server.close()
  if (socket === undefined) throw new Error('no connection')
  let text = ''
  socket.setEncoding('latin1').on('data', (chunk: string) => (text += chunk))
  const count = 2_000
  socket.write(
    Array.from(
      { length: count },
      (_, index) => `${index} http://h/ default zope2\n`,
    ).join(''),
  )
  await until('every answer', () => text.split('\n').length > count)
  t.strictSame(
    text.split('\n').slice(0, -1),
    Array.from(
      { length: count },
      (_, index) => `${index} OK backend_=zope2 next_=zope1`,
    ),
  )
  socket.end()
  t.strictSame(await gone, [0, null])
})

void t.test(
  'random bytes: one answer for each line, in order, and nothing else',
  async t => {
    const { configFile } = site(t)
    const helper = startHelper(t, configFile)
    const lines: string[] = []
    let state = 7
    const random = () =>
      (state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0) / 2 ** 32
    for (let id = 0; id < 100_000; id++) {
      const bytes = Array.from({ length: Math.floor(random() * 40) }, () =>
        String.fromCharCode(Math.floor(random() * 256)),
      )
      lines.push(`${id} ${bytes.join('').replaceAll('\n', '')}`)
    }
    for (let start = 0; start < lines.length; start += 1_000)
      helper.stdin.write(
        Buffer.from(
          `${lines.slice(start, start + 1_000).join('\n')}\n`,
          'latin1',
        ),
      )
    let wrong = 0
    for (let id = 0; id < lines.length; id++)
      if (
        !/^\d+ (?:ERR|OK backend_=\S+ next_=\S+(?: bind_=1)?)$/.test(
          await helper.line(),
        )
      )
        wrong++
    t.equal(wrong, 0)
    t.equal(await helper.ask('last http://h/ default'), 'ERR')
    t.equal(helper.rest, '')
  },
)
