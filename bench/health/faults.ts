// The same real Zopes and the same faults for every checker at once: each fault
// has its own Zope, and one Zope stays healthy.
import { createServer } from 'node:http'
import { once } from 'node:events'
import { setTimeout as pause } from 'node:timers/promises'
import { startForwarder, type Forwarder } from '../../lab/forwarder.ts'
import { freePort, until, type Owner } from '../../lab/processes.ts'
import { ask } from '../../lab/zope-client.ts'
import { startZeo, type Zeo } from '../../lab/zeo.ts'
import { startZope, type Zope } from '../../lab/zope.ts'
import {
  findChecker,
  quickSettings,
  startHaproxy,
  startHcheck,
  startMonitor,
  type Checker,
} from './checkers.ts'
import { isAlive, type FaultKind, type Faults } from './report.ts'
import {
  findingOf,
  type StateChange,
  type Span,
  type Word,
} from './timeline.ts'

export type FaultSize = {
  readonly rounds: number
  readonly kinds: readonly FaultKind[]
  /** all lengths are multiplied by this */
  readonly scale: number
}

const sampleMs = 50

export async function measureFaults(
  owner: Owner,
  size: FaultSize,
): Promise<Faults> {
  // before starting anything
  for (const name of ['haproxy', 'apache2'] as const) findChecker(name)
  const lab = await startLab(owner, size.kinds)
  const pools = {
    site: { members: [...lab.ports.keys()].filter(is => is !== 'database') },
    // a separate database, and no peer
    ...(lab.ports.has('database') && {
      database: { members: ['database'], minAlive: 0 },
    }),
  }
  const deep = { path: '/@@probe' }
  const checkers: Checker[] = [
    startMonitor(owner, 'zope-failover', lab.ports, { deep }, pools),
    startMonitor(owner, 'the same, quick', lab.ports, quickSettings, pools),
    ...(await startHaproxy(owner, lab.ports)),
    await startHcheck(
      owner,
      lab.ports,
      'hcheck, usual',
      'hcinterval=2 hcfails=3 hcpasses=2',
    ),
    await startHcheck(
      owner,
      lab.ports,
      'hcheck, best',
      'hcinterval=250ms hcfails=1 hcpasses=2 connectiontimeout=1 timeout=1',
    ),
  ]
  const watch = watchAll(owner, checkers)
  const findings: Faults['findings'][number][] = []
  for (let round = 0; round < size.rounds; round++) {
    await untilAllIn(watch, checkers, lab.ports)
    // heartbeats are learned, and no backend has just come back
    await pause(3_000)
    const beginMs = performance.now()
    const flap = lab.flap?.start(7_000 * size.scale)
    const spans = await Promise.all(
      lab.faults.map(async ({ kind, delayMs, run }) => {
        await pause(delayMs * size.scale)
        return { kind, ...(await run(size.scale)) }
      }),
    )
    // time for the slowest to come back
    await pause(12_000 * size.scale)
    await flap?.()
    const untilMs = performance.now()
    const all: { kind: FaultKind; span: Span }[] = [
      ...spans.map(({ kind, ...span }) => ({
        kind,
        span: { ...span, untilMs },
      })),
      ...(lab.flap === undefined
        ? []
        : [
            {
              kind: 'flapping' as const,
              span: { beginMs, endMs: untilMs, untilMs },
            },
          ]),
      { kind: 'well', span: { beginMs, endMs: untilMs, untilMs } },
    ]
    for (const { kind, span } of all)
      for (const { name, log } of checkers) {
        const finding = findingOf(watch.changes(name, kind), span)
        findings.push({ kind, checker: name, finding })
        if (isAlive(kind) && finding.downMs !== null && log !== undefined)
          process.stderr.write(`${name} shot a live Zope:\n${log(kind)}\n`)
      }
  }
  return {
    checkers: checkers.map(({ name }) => name),
    rounds: size.rounds,
    findings,
    flaps: lab.flap?.count() ?? 0,
  }
}

type Fault = {
  readonly kind: FaultKind
  /** not all at the same moment */
  readonly delayMs: number
  readonly run: (scale: number) => Promise<Omit<Span, 'untilMs'>>
}

type Lab = {
  readonly ports: ReadonlyMap<string, number>
  readonly faults: readonly Fault[]
  readonly flap: Flapping | undefined
}

async function startLab(
  owner: Owner,
  kinds: readonly FaultKind[],
): Promise<Lab> {
  const zeo = await startZeo(owner)
  const ports = new Map<string, number>()
  const add = async (
    kind: FaultKind,
    at: Zeo,
    via?: Forwarder,
  ): Promise<Zope> => {
    const zope = await startZope(owner, {
      zeo: at,
      name: kind,
      ...(via !== undefined && { via }),
    })
    ports.set(kind, zope.port)
    return zope
  }
  await add('well', zeo)
  const faults: Fault[] = []
  for (const kind of kinds)
    switch (kind) {
      case 'frozen': {
        const zope = await add(kind, zeo)
        faults.push({
          kind,
          delayMs: 0,
          run: async scale => {
            zope.freeze()
            return during(12_000 * scale, () => zope.thaw())
          },
        })
        break
      }
      case 'busy':
      case 'report': {
        const zope = await add(kind, zeo)
        const isBusy = kind === 'busy'
        faults.push({
          kind,
          delayMs: isBusy ? 500 : 6_000,
          run: async scale => {
            const beginMs = performance.now()
            const { answers } = await zope.occupy(
              isBusy ? 'slow' : 'burn',
              4,
              (isBusy ? 10 : 15) * scale,
            )
            await Promise.race(answers)
            return { beginMs, endMs: performance.now() }
          },
        })
        break
      }
      case 'database': {
        const own = await startZeo(owner)
        await add(kind, own)
        faults.push({
          kind,
          delayMs: 1_000,
          run: async scale => {
            own.freeze()
            return during(22_000 * scale, () => own.thaw())
          },
        })
        break
      }
      case 'half-open': {
        const via = await startForwarder(owner, zeo.port)
        await add(kind, zeo, via)
        faults.push({
          kind,
          delayMs: 1_500,
          run: async scale => {
            via.stop()
            return during(22_000 * scale, () => via.resume())
          },
        })
        break
      }
      case 'boot': {
        const via = await startForwarder(owner, zeo.port)
        const zope = await add(kind, zeo, via)
        faults.push({
          kind,
          delayMs: 2_000,
          run: async scale => {
            const beginMs = performance.now()
            await zope.kill()
            // no database yet: it starts, but cannot continue
            via.stop()
            zope.launch()
            await pause(8_000 * scale)
            via.resume()
            await until('the booting Zope is good', async () => {
              const answer = await ask(zope.url).catch(() => undefined)
              return answer?.status === 200
            })
            return { beginMs, endMs: performance.now() }
          },
        })
        break
      }
      case 'flapping':
      case 'well':
        break
    }
  const flap = kinds.includes('flapping')
    ? await makeFlapping(owner)
    : undefined
  if (flap !== undefined) ports.set('flapping', flap.port)
  return { ports, faults, flap }
}

async function during(
  ms: number,
  end: () => void,
): Promise<Omit<Span, 'untilMs'>> {
  const beginMs = performance.now()
  await pause(ms)
  end()
  return { beginMs, endMs: performance.now() }
}

type Flapping = {
  readonly port: number
  /** @returns stops it, with the port open */
  readonly start: (everyMs: number) => () => Promise<void>
  /** how often it went away */
  readonly count: () => number
}

/** A stand-in: real Zopes do not die and start so often in one minute. */
async function makeFlapping(owner: Owner): Promise<Flapping> {
  const port = await freePort()
  const server = createServer((_request, response) => response.end('well'))
  let gone = 0
  const open = async (): Promise<void> => {
    if (server.listening) return
    server.listen(port, '127.0.0.1')
    await once(server, 'listening')
  }
  const close = (): void => {
    server.close()
    server.closeAllConnections()
  }
  await open()
  owner.teardown(close)
  return {
    port,
    start: everyMs => {
      const timer = setInterval(() => {
        if (server.listening) {
          gone++
          close()
        } else void open()
      }, everyMs)
      owner.teardown(() => clearInterval(timer))
      return async () => {
        clearInterval(timer)
        await open()
      }
    },
    count: () => gone,
  }
}

const key = (checker: string, backend: string): string =>
  `${checker}\0${backend}`

type Watching = {
  readonly changes: (checker: string, backend: string) => readonly StateChange[]
}

/** Records each change of each checker's verdict on each backend. */
function watchAll(owner: Owner, checkers: readonly Checker[]): Watching {
  const changes = new Map<string, StateChange[]>()
  let isOver = false
  owner.teardown(() => (isOver = true))
  const note = (name: string, words: ReadonlyMap<string, Word>): void => {
    const atMs = performance.now()
    for (const [backend, word] of words) {
      const known = changes.get(key(name, backend)) ?? []
      if (known.at(-1)?.word !== word)
        changes.set(key(name, backend), [...known, { atMs, word }])
    }
  }
  for (const { name, look } of checkers)
    void (async () => {
      while (!isOver) {
        const words = await look().catch(() => undefined)
        if (words !== undefined) note(name, words)
        await pause(sampleMs)
      }
    })()
  return {
    changes: (checker, backend) => changes.get(key(checker, backend)) ?? [],
  }
}

/** A round begins when every checker calls every backend healthy. */
async function untilAllIn(
  watch: Watching,
  checkers: readonly Checker[],
  ports: ReadonlyMap<string, number>,
): Promise<void> {
  await until('every checker calls every backend well', () =>
    checkers.every(({ name }) =>
      [...ports.keys()].every(
        backend => watch.changes(name, backend).at(-1)?.word === 'in',
      ),
    ),
  )
}
