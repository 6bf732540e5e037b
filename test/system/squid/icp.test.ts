// The responder on real UDP sockets, asked as Squid asks.
import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { rmSync, writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import t, { type Test } from 'tap'
import { beatMonitor, putUp } from '../../../lab/map.ts'
import {
  dist,
  freePort,
  publicDirectory,
  startProgram,
  textOf,
  until,
} from '../../../lab/processes.ts'
import { startSocketUnit, type Service } from '../../../lab/socket-unit.ts'
import { queryOf } from '../../../lab/squid.ts'

type Options = {
  readonly names?: readonly string[]
  readonly extra?: string
  readonly pools?: string
}

async function responder(
  t: Test,
  { names = ['zope1', 'zope2'], extra = '', pools = '' }: Options = {},
) {
  const directory = publicDirectory(t)
  const configFile = resolve(directory, 'zope-failover.yaml')
  const ports = new Map<string, number>()
  for (const name of names) ports.set(name, await freePort())
  const write = (more = extra) => {
    writeFileSync(
      configFile,
      `directory: ${directory}
backends:
${names.map((name, index) => `  ${name}: http://127.0.0.1:${7000 + index}\n`).join('')}${pools}icp:
  listen: { ${[...ports].map(([name, port]) => `${name}: "127.0.0.1:${port}"`).join(', ')} }
${more}`,
    )
  }
  write()
  putUp(directory, ...names)
  beatMonitor(directory, names)
  const program = startProgram(t, process.execPath, [
    resolve(dist, 'cli/main.js'),
    'icp',
    '--config',
    configFile,
  ])
  const asker = createSocket('udp4')
  asker.bind(0, '127.0.0.1')
  await once(asker, 'listening')
  t.teardown(() => asker.close())
  const ask = (name: string, number: number, url = 'http://h/') =>
    askIcp(asker, ports.get(name) ?? 0, number, url)
  await until('the responder answers', () => {
    if (program.isGone()) throw new Error(program.output())
    return ask('zope1', 1)
  })
  return { directory, ask, program, asker, ports, write }
}

/** The answer's opcode, or undefined when none comes in a moment. */
async function askIcp(
  asker: Socket,
  port: number,
  number: number,
  url: string,
): Promise<number | undefined> {
  let timer: NodeJS.Timeout | undefined
  const answer = await new Promise<Buffer | undefined>(done => {
    const heard = (message: Buffer) => {
      if (message.readUInt32BE(4) !== number) return
      asker.off('message', heard)
      done(message)
    }
    asker.on('message', heard)
    asker.send(queryOf(number, url), port, '127.0.0.1')
    timer = setTimeout(() => {
      asker.off('message', heard)
      done(undefined)
    }, 1_000)
  })
  clearTimeout(timer)
  if (answer === undefined) return undefined
  if (
    answer.toString('latin1', 20) !== `${url}\0` ||
    answer.readUInt16BE(2) !== answer.length
  )
    throw new Error(`not the URL asked for: ${answer.toString('latin1')}`)
  return answer[0]
}

const [hit, miss, noFetch] = [2, 3, 21]

void t.test('what each state answers', async t => {
  const { directory, ask } = await responder(t)
  t.equal(await ask('zope1', 10), hit)
  t.equal(await ask('zope2', 11), noFetch, 'a later tier')
  let number = 100
  const becomes = async (
    name: string,
    answer: number | undefined,
    why: string,
  ) => {
    await until(
      `${name}: ${why}`,
      async () => (await ask(name, number++)) === answer,
    )
    t.pass(why)
  }
  writeFileSync(resolve(directory, 'zope1.drain'), '')
  await becomes('zope2', hit, 'drained: the other one')
  await becomes('zope1', noFetch, 'drained')
  rmSync(resolve(directory, 'zope1.drain'))
  writeFileSync(resolve(directory, 'zope1.maint'), '')
  await becomes('zope1', undefined, 'maintenance: silence')
  rmSync(resolve(directory, 'zope1.maint'))
  await becomes('zope1', hit, 'back')
  rmSync(resolve(directory, 'zope1.up'))
  await becomes('zope1', noFetch, 'down')
  rmSync(resolve(directory, 'zope2.up'))
  await becomes('zope2', noFetch, 'all down')
})

void t.test('equals: one HIT for each query, the others MISS', async t => {
  const { ask } = await responder(t, {
    pools: 'pools: { default: { policy: balance } }\n',
  })
  const answers = new Set<string>()
  for (let number = 10; number < 40; number++)
    answers.add(
      [await ask('zope1', number), await ask('zope2', number)].join(' '),
    )
  t.strictSame([...answers].toSorted(), [`${hit} ${miss}`, `${miss} ${hit}`])
})

void t.test(
  'silence for who may not ask, and for what is no query',
  async t => {
    const { ask, asker, ports, directory, program, write } = await responder(t)
    asker.send(Buffer.from('nonsense'), ports.get('zope1') ?? 0, '127.0.0.1')
    t.equal(await ask('zope1', 5), hit)
    write('  allow: [10.0.0.0/8]\n')
    await until('silence', async () => (await ask('zope1', 6)) === undefined)
    const report = await until('the counts', () => {
      const text = textOf(resolve(directory, `icp-${program.pid}.json`))
      if (text === undefined) return false
      const value: unknown = JSON.parse(text)
      return typeof value === 'object' &&
        value !== null &&
        'unanswered' in value &&
        value.unanswered !== 0
        ? value
        : false
    })
    t.match(report, { malformed: 1, kinds: { zope1: { miss: 0, silence: 0 } } })
  },
)

void t.test(
  'SIGTERM: another second of MISS_NOFETCH, then the end',
  async t => {
    const { ask, program } = await responder(t)
    program.child.kill('SIGTERM')
    await until(
      'it says goodbye',
      async () => (await ask('zope1', 9)) === noFetch,
    )
    await program.gone
    t.equal(program.child.exitCode, 0)
  },
)

void t.test(
  'an address that cannot be had, and a configuration without icp',
  async t => {
    const { configFile, port } = await taken(t)
    for (const [text, problem] of [
      [
        `icp: { listen: { a: "127.0.0.1:${port}" } }\n`,
        /icp\.listen\.a must be an unused address of this machine, got 127\.0\.0\.1 port \d+ \(EADDRINUSE\)/,
      ],
      ['', /icp must be given for a responder/],
    ] as const) {
      writeFileSync(
        configFile,
        `directory: /nowhere\nbackends: { a: "http://127.0.0.1:1" }\n${text}`,
      )
      const program = startProgram(t, process.execPath, [
        resolve(dist, 'cli/main.js'),
        'icp',
        '--config',
        configFile,
      ])
      await program.gone
      t.equal(program.child.exitCode, 2)
      t.match(program.output(), problem)
    }
  },
)

/** A socket that systemd holds, and one who asks there without a pause. */
async function socketUnit(t: Test, name = 'zope1', address = '127.0.0.1') {
  const directory = publicDirectory(t)
  const port = await freePort()
  const configFile = resolve(directory, 'zope-failover.yaml')
  writeFileSync(
    configFile,
    `directory: ${directory}
backends: { zope1: "http://127.0.0.1:7001" }
icp: { listen: { zope1: "${address}:${port}" } }
`,
  )
  putUp(directory, 'zope1')
  beatMonitor(directory, ['zope1'])
  const unit = await startSocketUnit(t, name, port, [
    ...[process.execPath, resolve(dist, 'cli/main.js')],
    ...['icp', '--config', configFile],
  ])
  const asker = createSocket('udp4')
  asker.bind(0, '127.0.0.1')
  await once(asker, 'listening')
  t.teardown(() => asker.close())
  const unanswered = new Set<number>()
  asker.on('message', message => unanswered.delete(message.readUInt32BE(4)))
  let number = 0
  const ask = () => {
    unanswered.add(++number)
    asker.send(queryOf(number, 'http://h/'), port, '127.0.0.1')
  }
  return {
    ...{ unit, ask, port },
    /** as the unit of the example waits for it */
    ready: async (one: Service) => {
      await until('its report', () => {
        one.mustRun()
        return textOf(resolve(directory, `icp-${one.pid}.json`))
      })
    },
    asked: () => number,
    allAnswered: () =>
      until('an answer to every query', () => unanswered.size === 0),
  }
}

void t.test(
  'the socket of systemd: no query is lost when a responder is restarted',
  async t => {
    const { unit, ask, ready, asked, allAnswered } = await socketUnit(t)
    // before the first one is there
    ask()
    let one = await unit.start()
    await allAnswered()
    for (let round = 0; round < 3; round++) {
      const asking = setInterval(ask, 5)
      await one.kill('SIGTERM')
      // there is none now
      ask()
      one = await unit.start()
      await ready(one)
      clearInterval(asking)
      await allAnswered()
    }
    t.ok(asked() >= 7, `${asked()} queries`)
  },
)

void t.test('two responders at one socket: each one answers alone', async t => {
  const { unit, ask, ready, allAnswered } = await socketUnit(t)
  const pair = [await unit.start(), await unit.start()] as const
  for (const one of pair) await ready(one)
  for (const one of pair) {
    process.kill(one.pid, 'SIGSTOP')
    for (let count = 0; count < 20; count++) ask()
    await allAnswered()
    process.kill(one.pid, 'SIGCONT')
  }
  await pair[0].kill('SIGKILL')
  for (let count = 0; count < 20; count++) ask()
  await allAnswered()
  t.pass('frozen, and killed')
})

void t.test('a socket unit that does not fit', async t => {
  for (const [name, address, problem] of [
    [
      'zope9',
      '127.0.0.1',
      /FileDescriptorName= of a socket unit must be a backend of icp\.listen \(zope1\), got "zope9"/,
    ],
    [
      'zope1',
      '127.0.0.2',
      /icp\.listen\.zope1 must be the ListenDatagram= of the socket unit with FileDescriptorName=zope1, got 127\.0\.0\.2 port \d+ \(Error: the socket has 127\.0\.0\.1 port \d+\)/,
    ],
  ] as const) {
    const { unit } = await socketUnit(t, name, address)
    const one = await unit.start()
    t.match(await one.end(), problem)
  }
})

async function taken(t: Test) {
  const socket = createSocket('udp4')
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  t.teardown(() => socket.close())
  return {
    configFile: resolve(publicDirectory(t), 'zope-failover.yaml'),
    port: socket.address().port,
  }
}
