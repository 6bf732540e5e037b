// The helper on a socket, as Squid starts it: fd 0 and fd 1 are one socket.
import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { createServer, type Socket } from 'node:net'
import { once } from 'node:events'
import { resolve } from 'node:path'
import t, { type Test } from 'tap'
import {
  MapProgram,
  putUp,
  beatMonitor,
  writeConfig,
} from '../../../lab/map.ts'
import { dist, publicDirectory, textOf, until } from '../../../lab/processes.ts'

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

void t.test('a million random lines: one answer each, and no more', async t => {
  const { configFile } = site(t)
  const helper = startHelper(t, configFile)
  // one text cut at random places is quicker than a million random lines
  const noise = randomBytes(8_192).toString('latin1').replaceAll('\n', '')
  let seed = randomBytes(4).readUInt32LE()
  t.comment(`seed ${seed}`)
  const random = (below: number): number => {
    seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0
    return (seed >>> 8) % below
  }
  const lineOf = (id: number): string => {
    const start = random(noise.length)
    const bytes = noise.slice(start, start + random(40))
    const question = random(4) === 0 ? `http://h/ default ${bytes}` : bytes
    // with channels and without
    return id % 2 === 0 ? `${id} ${question}` : question
  }
  const batch = 20_000
  const wrong: string[] = []
  for (let first = 0; first < 1_000_000; first += batch) {
    const lines = Array.from({ length: batch }, (_, index) =>
      lineOf(first + index),
    )
    helper.stdin.write(Buffer.from(`${lines.join('\n')}\n`, 'latin1'))
    const answers = await until('the answers', () => {
      const found = helper.rest.split('\n')
      return found.length > batch && found
    })
    helper.takeRest()
    if (answers.length !== batch + 1 || answers.at(-1) !== '')
      throw new Error(`${answers.length} lines`)
    for (const [index, line] of lines.entries()) {
      const answer = answers[index] ?? ''
      const channel = /^\d+(?= |$)/.exec(line)?.[0]
      const text =
        channel === undefined || !answer.startsWith(`${channel} `)
          ? answer
          : answer.slice(channel.length + 1)
      const isGood =
        (channel === undefined) === (text === answer) &&
        /^(?:ERR|OK backend_=zope[12] next_=zope[12](?: bind_=1)?)$/.test(text)
      if (!isGood) wrong.push(`${line} -> ${answer}`)
    }
  }
  t.strictSame(wrong.slice(0, 10), [])
  t.equal(await helper.ask('last http://h/ default'), 'ERR')
  t.equal(helper.rest, '')
})
