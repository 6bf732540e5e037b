// What a real Squid does when the helper, not a backend, has the fault.
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import t, { type Test } from 'tap'
import {
  brief,
  failuresOf,
  more,
  startLoad,
  type Sample,
} from '../../../lab/load.ts'
import { until } from '../../../lab/processes.ts'
import {
  childrenOf,
  get,
  helpersOf,
  isSteered,
  servedBy,
  startSquidSite,
} from '../../../lab/squid-site.ts'
import type { Squid, SquidLine } from '../../../lab/squid.ts'

function lives({ program, cacheLog }: Squid): void {
  if (program.isGone()) throw new Error(`Squid is gone:\n${cacheLog()}`)
}

/** Requests that Squid sent on without an answer of the helper. */
function tellAlone(t: Test, squid: Squid): void {
  const lines = squid.accessLog()
  const alone = lines.filter(({ backend }) => backend === '-').length
  t.comment(
    `${alone} of ${lines.length} requests were not steered (figures: bench:squid)`,
  )
}

/** Squid writes its log after the answer. */
async function linesOf(
  squid: Squid,
  samples: readonly Sample[],
): Promise<ReadonlyMap<string, SquidLine>> {
  return until('the log', () => {
    const byId = new Map(squid.accessLog().map(line => [line.id, line]))
    return samples.every(({ id }) => byId.has(id)) && byId
  })
}

function signal(pids: readonly number[], name: NodeJS.Signals): void {
  for (const pid of pids)
    try {
      process.kill(pid, name)
    } catch {
      // gone already
    }
}

/** Squid closes its port for a moment at a reconfigure: its own way. */
function isRefused({ error = '' }: Pick<Sample, 'error'>): boolean {
  return /ECONNREFUSED|ECONNRESET/.test(error)
}

type Gap = { readonly fromMs: number; readonly toMs: number }

/** Whether it was under way in one of them. */
function isIn(
  gaps: readonly Gap[],
  { startMs, endMs }: Pick<Sample, 'startMs' | 'endMs'>,
): boolean {
  return gaps.some(gap => startMs < gap.toMs && endMs > gap.fromMs)
}

void t.test('all helpers are killed ten times under load', async t => {
  // those inside a killed helper wait so long
  const { squid } = await startSquidSite(t, { helperTimeout: 10 })
  const load = startLoad(t, { port: squid.port, clients: 20 })
  const shells = childrenOf(squid.program.pid)
  /** from a kill to the first answer of the next helper */
  const gaps: Gap[] = []
  for (let round = 0; round < 10; round++) {
    const helpers = helpersOf(squid)
    const fromMs = performance.now()
    signal(helpers, 'SIGKILL')
    await until('the next helper', () => {
      lives(squid)
      return helpersOf(squid).some(pid => !helpers.includes(pid))
    })
    await isSteered({ squid })
    gaps.push({ fromMs, toMs: performance.now() })
    await more(load, 200)
  }
  const samples = await load.stop()
  t.strictSame(failuresOf(samples).map(brief), [])
  t.strictSame(
    childrenOf(squid.program.pid),
    shells,
    'Squid has not seen any of it',
  )
  const log = await linesOf(squid, samples)
  t.strictSame(
    samples
      .filter(({ id }) => log.get(id)?.backend === '-')
      .filter(sample => !isIn(gaps, sample))
      .map(brief),
    [],
    'every request was steered unless it was under way in such a gap',
  )
  tellAlone(t, squid)
})

void t.test(
  'all helpers are stopped: a request waits, and is served',
  async t => {
    const { squid } = await startSquidSite(t, { helperTimeout: 2 })
    const helpers = helpersOf(squid)
    t.teardown(() => signal(helpers, 'SIGCONT'))
    signal(helpers, 'SIGSTOP')
    const answers = await Promise.all(
      Array.from({ length: 10 }, () => get(squid.port, '/')),
    )
    t.strictSame([...new Set(answers.map(({ status }) => status))], [200])
    signal(helpers, 'SIGCONT')
    await isSteered({ squid })
  },
)

void t.test('one of two helpers is stopped: no request fails', async t => {
  // those inside the stopped one wait so long
  const { squid } = await startSquidSite(t, {
    helperTimeout: 10,
    edit: conf => conf.replace('startup=0 idle=1', 'startup=2 idle=1'),
  })
  const helpers = await until('two helpers', () => {
    const found = helpersOf(squid)
    return found.length === 2 && found
  })
  const load = startLoad(t, { port: squid.port, clients: 10 })
  const gaps: Gap[] = []
  for (const stopped of helpers) {
    const fromMs = performance.now()
    signal([stopped], 'SIGSTOP')
    t.teardown(() => signal([stopped], 'SIGCONT'))
    await more(load, 100)
    await isSteered({ squid })
    signal([stopped], 'SIGCONT')
    gaps.push({ fromMs, toMs: performance.now() })
    await more(load, 100)
  }
  const samples = await load.stop()
  t.strictSame(failuresOf(samples).map(brief), [])
  const log = await linesOf(squid, samples)
  const alone = samples.filter(({ id }) => log.get(id)?.backend === '-')
  t.strictSame(
    alone.filter(sample => !isIn(gaps, sample)).map(brief),
    [],
    'every request was steered unless it was under way meanwhile',
  )
  t.strictSame(helpersOf(squid), helpers, 'they are the same ones')
  tellAlone(t, squid)
})

void t.test('reconfigured ten times: no lookup is lost', async t => {
  const { squid } = await startSquidSite(t)
  const load = startLoad(t, {
    port: squid.port,
    clients: 5,
    isKeepAlive: false,
  })
  await more(load, 20)
  /** from the order until a request is steered again */
  const gaps: Gap[] = []
  for (let round = 1; round <= 10; round++) {
    const fromMs = performance.now()
    squid.reconfigure()
    await until(
      'Squid listens again',
      () =>
        squid.cacheLog().split('Accepting reverse-proxy').length - 1 > round,
    )
    await isSteered({ squid })
    gaps.push({ fromMs, toMs: performance.now() })
    await more(load, 100)
  }
  const samples = await load.stop()
  const refused = samples.filter(isRefused)
  t.strictSame(
    refused.filter(sample => !isIn(gaps, sample)).map(brief),
    [],
    'connections are refused only while Squid has its port closed',
  )
  const answered = samples.filter(sample => !isRefused(sample))
  const failed = failuresOf(answered)
  const log = await linesOf(squid, answered)
  t.strictSame(
    answered
      .filter(({ id }) => log.get(id)?.backend === '-')
      .filter(sample => !isIn(gaps, sample))
      .map(brief),
    [],
    'every request was steered unless it was under way meanwhile',
  )
  // for a moment Squid has no peer: its own way as well, the helper has answered
  const isWithoutPeer = ({ id, status }: Sample): boolean =>
    status === 502 &&
    log.get(id)?.hierarchy === 'HIER_NONE' &&
    log.get(id)?.backend !== '-'
  t.strictSame(failed.filter(sample => !isWithoutPeer(sample)).map(brief), [])
  t.comment(`${failed.length} got 502, for Squid had no peer`)
  t.comment(`${refused.length} connections were refused`)
  tellAlone(t, squid)
})

for (const [what, spoil] of [
  ['broken', (file: string) => writeFileSync(file, 'backends: [')],
  ['missing', (file: string) => rmSync(file)],
] as const)
  void t.test(`the configuration is ${what} at the start`, async t => {
    let good = ''
    const { squid, configFile } = await startSquidSite(t, {
      hasHelper: false,
      before: file => {
        good = readFileSync(file, 'utf8')
        spoil(file)
      },
    })
    for (let count = 0; count < 100; count++)
      if ((await get(squid.port, '/')).status !== 200) t.fail('not served')
    await until('the log says so', () =>
      squid.cacheLog().includes('no lookup is decided until that is fixed'),
    )
    t.ok(squid.accessLog().every(({ backend }) => backend === '-'))
    writeFileSync(configFile, good)
    await isSteered({ squid })
    t.equal(await servedBy(squid.port), 'zope1')
  })

void t.test('Node is gone at the start: Squid lives and serves', async t => {
  const { squid } = await startSquidSite(t, {
    hasHelper: false,
    edit: conf => conf.replaceAll(process.execPath, '/nowhere/node'),
  })
  for (let count = 0; count < 200; count++)
    if ((await get(squid.port, '/')).status !== 200) t.fail('not served')
  t.notOk(squid.program.isGone())
  await until('the log says so', () =>
    squid.cacheLog().includes('squid-helper ended with 127'),
  )
})
