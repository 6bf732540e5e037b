// npm run bench:failover: the impact of the same faults of the same two real
// Zopes on visitors, behind this product and behind others.
import { setTimeout as pause } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { Visitor, startLoad, type Sample } from '../../lab/load.ts'
import { until, type Owner } from '../../lab/processes.ts'
import { startZeo } from '../../lab/zeo.ts'
import { startZope } from '../../lab/zope.ts'
import { findChecker } from '../health/checkers.ts'
import { endOnSignals, makeOwner } from '../../lab/owner.ts'
import { machine, textOf } from '../tools.ts'
import { inflict, restore } from './faults.ts'
import { everyMs, impactOf, type Span, type Visits } from './impact.ts'
import {
  products,
  type ProductName,
  type Running,
  type Zopes,
} from './products.ts'
import {
  faultKinds,
  report,
  type FaultKind,
  type FailoverFigures,
} from './report.ts'
import { traceOf, type TraceEvent } from './trace.ts'

const productNames = Object.keys(products).filter(
  (name): name is ProductName => name in products,
)

const help = `npm run bench:failover -- [--only FAULT]... [--product NAME]... [--rounds N]
                         [--trace] [--quick]

  --only     a fault, one of ${faultKinds.join(', ')}
  --product  one of ${productNames.join(', ')}
  --rounds   how often each is measured (1; at most 20)
  --trace    what happened when, for each fault and product, on stderr
  --quick    to see that it works: killed alone, and shorter

One round of everything is planned to take about 15 minutes on a quiet machine.
`

const path = '/@@lab-wait?seconds=0.02'
const clients = 20
/** between two pages of one client */
const thinkMs = 250
/** a visitor gives up after this long */
const patienceMs = 10_000
/** before a fault and after it */
const calmMs = 1_000
const afterMs = 4_000

type Choice = {
  readonly kinds: readonly FaultKind[]
  readonly names: readonly ProductName[]
  readonly rounds: number
  readonly scale: number
  readonly isTraced: boolean
}

async function main(): Promise<number> {
  let choice: Choice | string
  try {
    choice = choose()
  } catch (err) {
    process.stderr.write(`${textOf(err)}\n${help}`)
    return 2
  }
  if (typeof choice === 'string') {
    process.stdout.write(choice)
    return 0
  }
  const owner = makeOwner()
  endOnSignals(owner)
  const before = machine()
  try {
    const measured = await measureAll(owner, choice)
    process.stdout.write(`${before} before\n\n${report(measured)}`)
    return 0
  } catch (err) {
    process.stderr.write(`bench: ${textOf(err)}\n`)
    return 1
  } finally {
    await owner.end()
  }
}

/**
 * @returns the help, if requested
 * @throws with the option, the allowed values and the value found
 */
function choose(): Choice | string {
  const { values } = parseArgs({
    options: {
      only: { type: 'string', multiple: true, default: [] },
      product: { type: 'string', multiple: true, default: [] },
      rounds: { type: 'string', default: '1' },
      quick: { type: 'boolean', default: false },
      trace: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  })
  if (values.help) return help
  const rounds = Number(values.rounds)
  if (!Number.isInteger(rounds) || rounds < 1 || rounds > 20)
    throw new Error(
      `--rounds must be a whole number from 1 to 20, got "${values.rounds}"`,
    )
  const isQuick = values.quick
  return {
    kinds: chosen('only', faultKinds, values.only, isQuick && ['killed']),
    names: chosen('product', productNames, values.product, false),
    rounds,
    scale: isQuick ? 0.3 : 1,
    isTraced: values.trace,
  }
}

/** In the order of `all`. */
function chosen<Name extends string>(
  option: string,
  all: readonly Name[],
  wanted: readonly string[],
  unlessNamed: readonly string[] | false,
): Name[] {
  const unknown = wanted.find(name => !all.some(is => is === name))
  if (unknown !== undefined)
    throw new Error(
      `--${option} must be one of ${all.join(', ')}, got "${unknown}"`,
    )
  const names = wanted.length > 0 ? wanted : unlessNamed || all
  return all.filter(name => names.some(is => is === name))
}

async function measureAll(
  owner: Owner,
  choice: Choice,
): Promise<FailoverFigures[]> {
  // before starting anything
  for (const name of ['haproxy', 'nginx', 'apache2'] as const) findChecker(name)
  const zeo = await startZeo(owner)
  const zopes: Zopes = [
    await startZope(owner, { zeo, name: 'zope1' }),
    await startZope(owner, { zeo, name: 'zope2' }),
  ]
  const measured: FailoverFigures[] = []
  for (let round = 1; round <= choice.rounds; round++)
    // all products get the same fault within two minutes, so also the same
    // noise
    for (const kind of choice.kinds)
      for (const name of choice.names) {
        process.stderr.write(`bench: round ${round}, ${kind}, ${name}\n`)
        measured.push(await measureOne(owner, zopes, kind, name, choice))
      }
  return measured
}

/** Starts a product, injects one fault, and returns its impact on visitors. */
async function measureOne(
  run: Owner,
  zopes: Zopes,
  kind: FaultKind,
  name: ProductName,
  { scale, isTraced }: Choice,
): Promise<FailoverFigures> {
  const owner = makeOwner()
  run.teardown(owner.end)
  const [primary, standby] = zopes
  await restore(zopes)
  const { title, start } = products[name]
  const product = await start(owner, zopes)
  await servesFrom(primary.name, product)
  const done: TraceEvent[] = []
  const beginMs = performance.now()
  const stop = startVisitors(owner, product.port)
  await pause(calmMs)
  const faultMs = performance.now()
  const note = (text: string): void => {
    done.push({ atMs: performance.now(), text })
  }
  await inflict(kind, { primary, standby, product, scale, note })
  const returnMs = performance.now()
  await pause(afterMs * scale)
  const untilMs = performance.now()
  const visits = await stop()
  const span: Span = { beginMs, faultMs, returnMs, untilMs }
  if (isTraced)
    process.stderr.write(
      traceOf(
        `${title}, ${kind}`,
        span,
        visits,
        done,
        product.log(),
        Date.now() - performance.now(),
      ),
    )
  await owner.end()
  return { kind, product: title, impact: impactOf(visits, span) }
}

/** Waits until new visitors get that Zope. */
async function servesFrom(name: string, { port }: Running): Promise<void> {
  const visitor = new Visitor({ port, isKeepAlive: false })
  await until(`new visitors get ${name}`, async () => {
    const { backend } = await visitor.ask(path)
    return backend === name
  })
}

/** @returns stops it: no further visitors, and all have been answered */
function startVisitors(owner: Owner, port: number): () => Promise<Visits> {
  const kept = startLoad(owner, {
    port,
    path,
    clients,
    pauseMs: thinkMs,
    patienceMs,
    hasCookies: true,
  })
  const visits: Promise<Sample>[] = []
  const timer = setInterval(() => {
    visits.push(new Visitor({ port, patienceMs, isKeepAlive: false }).ask(path))
  }, everyMs)
  return async () => {
    clearInterval(timer)
    return { kept: await kept.stop(), fresh: await Promise.all(visits) }
  }
}

process.exit(await main())
