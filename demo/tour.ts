// The demo without a terminal: every step prints its observations.
import { fronts, type FrontKind } from './front.ts'
import { failuresOf, lastTries, type Sample } from '../lab/load.ts'
import { until } from '../lab/processes.ts'
import { backendNames, type Stage } from './stage.ts'

/** One observation of a step. */
type StepResult = { readonly text: string; readonly holds: boolean }

type DemoStep = {
  readonly title: string
  readonly play: (stage: Stage) => Promise<StepResult[]>
}

/**
 * @param say one line to the user
 * @returns whether every step held
 */
export async function tour(
  stage: Stage,
  say: (line: string) => void,
): Promise<boolean> {
  let allHold = true
  for (const [index, { title, play }] of stepsOf(stage.kind).entries()) {
    say(`\n${index + 1}. ${title}`)
    for (const { text, holds } of await play(stage)) {
      say(`   ${holds ? 'ok  ' : 'FAIL'} ${text}`)
      allHold &&= holds
    }
  }
  return allHold
}

const stepsOf = (kind: FrontKind): readonly DemoStep[] => [
  {
    title: 'Twenty visitors; zope1 leads, zope2 and zope3 stand by',
    play: async stage => {
      const seen = await watch(stage, () => visits(stage, 500))
      return [allServed(seen), newVisitorsAt(stage, 'zope1')]
    },
  },
  {
    title: 'zope1 is killed (SIGKILL) under load',
    play: async stage => {
      let goneMs = Infinity
      const seen = await watch(stage, async () => {
        await stage.kill('zope1')
        goneMs = performance.now()
        await state(stage, 'zope1', 'down')
        await visits(stage, 500)
      })
      return [
        servedSince(seen, goneMs),
        onlyBy(tail(seen), 'zope2'),
        stateResult(stage, 'zope1', 'down'),
      ]
    },
  },
  {
    title: 'zope1 comes back: new visitors return, sticky visitors stay',
    play: async stage => {
      const seen = await watch(stage, async () => {
        await stage.revive('zope1')
        await state(stage, 'zope1', 'up')
        await visits(stage, 500)
      })
      return [
        allServed(seen),
        newVisitorsAt(stage, 'zope1'),
        stickyAt(stage, 'zope2'),
      ]
    },
  },
  {
    title: 'zope2 hangs (SIGSTOP): it accepts and never answers',
    play: async stage => {
      stage.hang('zope2')
      await state(stage, 'zope2', 'frozen')
      const frozen = stateResult(stage, 'zope2', 'frozen')
      await stage.revive('zope2')
      await state(stage, 'zope2', 'up')
      return [frozen, stateResult(stage, 'zope2', 'up')]
    },
  },
  {
    title: 'zope1 is drained: new visitors go elsewhere, sticky visitors stay',
    play: async stage => {
      await moveStickyTo(stage, 'zope1')
      const seen = await watch(stage, async () => {
        stage.run('drain', 'zope1', '--reason', 'upgrade')
        await newVisitorsLeave(stage, 'zope1')
        await visits(stage, 500)
      })
      return [
        allServed(seen),
        newVisitorsAt(stage, 'zope2'),
        stickyAt(stage, 'zope1'),
      ]
    },
  },
  {
    title: 'zope1 goes into maintenance: it gets no traffic',
    play: async stage => {
      const seen = await watch(stage, async () => {
        stage.run('maint', 'zope1')
        await allVisitorsLeave(stage, 'zope1')
        await visits(stage, 500)
      })
      const findings = [allServed(seen), onlyBy(tail(seen), 'zope2')]
      stage.run('ready', 'zope1')
      return findings
    },
  },
  ...faultsOf(kind),
  {
    title: 'The monitor is killed: its last verdicts stay in use',
    play: async stage => {
      const seen = await watch(stage, async () => {
        await stage.killMonitor()
        await stage.until(
          'the verdicts to be stale',
          report => !report.verdictsCount,
        )
        await visits(stage, 500)
      })
      const dead = stage.run('status').includes('monitor: DEAD')
      stage.startMonitor()
      await stage.until(
        'the monitor to be back',
        report => report.verdictsCount,
      )
      return [
        allServed(seen),
        { text: 'status names the dead monitor', holds: dead },
      ]
    },
  },
  {
    title: 'All three die: the maintenance page; one comes back: service',
    play: async stage => {
      await Promise.all(backendNames.map(name => stage.kill(name)))
      for (const name of backendNames) await state(stage, name, 'down')
      const page = await fetch(`http://127.0.0.1:${stage.port}/`)
      await page.body?.cancel()
      await stage.revive('zope3')
      await state(stage, 'zope3', 'up')
      const seen = await watch(stage, () => visits(stage, 500))
      return [
        {
          text: `status ${page.status}, Retry-After ${page.headers.get('retry-after')}`,
          holds: page.status === 503 && page.headers.has('retry-after'),
        },
        onlyBy(tail(seen), 'zope3'),
      ]
    },
  },
]

const httpdFaults: readonly DemoStep[] = [
  {
    title: 'The map program is killed: httpd reads the sentinel files itself',
    play: async stage => {
      const seen = await watch(stage, async () => {
        await stage.killAnswering()
        await visits(stage, 1_000)
      })
      const dead = stage.run('status').includes('map: DEAD')
      return [
        allServed(seen),
        { text: 'status names the dead map program', holds: dead },
      ]
    },
  },
  {
    title: 'httpd restarts gracefully, which starts a new map program',
    play: async stage => {
      const seen = await watch(stage, async () => {
        await stage.reload()
        await stage.until('the new map program to report', report =>
          report.maps.some(({ kind }) => kind === 'alive'),
        )
        await visits(stage, 500)
      })
      return [allServed(seen)]
    },
  },
]

const squidFaults: readonly DemoStep[] = [
  {
    title:
      'The helper is killed: the next one takes over, Squid does not notice',
    play: async stage => {
      const seen = await watch(stage, async () => {
        await stage.killAnswering()
        await until('the next helper', () =>
          stage.answering.some(({ kind }) => kind === 'alive'),
        )
        await visits(stage, 500)
      })
      return [
        allServed(seen),
        {
          text: 'status names the new helper',
          holds: stage.run('status').includes('squid-helper: alive'),
        },
      ]
    },
  },
]

function faultsOf(kind: FrontKind): readonly DemoStep[] {
  return kind === fronts.httpd ? httpdFaults : squidFaults
}

/** The requests that ended while `play` ran. */
async function watch(
  stage: Stage,
  play: () => Promise<void>,
): Promise<Sample[]> {
  const loads = Object.values(stage.loads)
  const before = loads.map(({ samples }) => samples.length)
  await play()
  return loads.flatMap(({ samples }, index) => samples.slice(before[index]))
}

/** Waits until this many more requests have ended. */
async function visits(stage: Stage, count: number): Promise<void> {
  const { newVisitors, sticky } = stage.loads
  const total = (): number => newVisitors.samples.length + sticky.samples.length
  const goal = total() + count
  await until(`${count} requests`, () => total() >= goal)
}

async function state(
  stage: Stage,
  name: string,
  wanted: string,
): Promise<void> {
  await stage.until(`${name} to be ${wanted}`, report =>
    report.backends.some(
      backend => backend.name === name && backend.state === wanted,
    ),
  )
}

/** Moves the sticky visitors to that backend. */
async function moveStickyTo(stage: Stage, name: string): Promise<void> {
  const others = backendNames.filter(other => other !== name)
  for (const other of others) stage.run('maint', other)
  await until(`visitors at ${name}`, () =>
    lastAt(stage.loads.sticky.samples, 20, name),
  )
  for (const other of others) stage.run('ready', other)
}

async function newVisitorsLeave(stage: Stage, name: string): Promise<void> {
  await until(`new visitors to leave ${name}`, () =>
    stage.loads.newVisitors.samples
      .slice(-20)
      .every(({ backend }) => backend !== name),
  )
}

async function allVisitorsLeave(stage: Stage, name: string): Promise<void> {
  await newVisitorsLeave(stage, name)
  await until(`sticky visitors to leave ${name}`, () =>
    stage.loads.sticky.samples
      .slice(-20)
      .every(({ backend }) => backend !== name),
  )
}

function lastAt(
  samples: readonly Sample[],
  count: number,
  name: string,
): boolean {
  return lastTries(samples)
    .slice(-count)
    .every(({ backend }) => backend === name)
}

/** The last requests: those in flight at a change were routed before it. */
function tail(samples: readonly Sample[]): Sample[] {
  return lastTries(samples)
    .toSorted((one, other) => one.startMs - other.startMs)
    .slice(-200)
}

function allServed(samples: readonly Sample[]): StepResult {
  const failed = failuresOf(samples)
  const repeated = samples.filter(({ isSentAgain }) => isSentAgain)
  const note =
    repeated.length === 0
      ? ''
      : ` (${repeated.length} asked again when their connection was closed, as browsers do)`
  return {
    text: `${samples.length} requests, ${failed.length} failed${note}`,
    holds: failed.length === 0,
  }
}

/** Requests in flight in the dying backend cannot always be saved. */
function servedSince(samples: readonly Sample[], goneMs: number): StepResult {
  const inside = samples.filter(({ startMs }) => startMs < goneMs)
  const lost = failuresOf(inside)
  const since = samples.filter(({ startMs }) => startMs >= goneMs)
  const failed = failuresOf(since)
  return {
    text: `${since.length} requests since then, ${failed.length} failed; ${lost.length} of ${inside.length} in flight were lost with it`,
    holds: failed.length === 0,
  }
}

function onlyBy(samples: readonly Sample[], name: string): StepResult {
  const counts = new Map<string, number>()
  for (const { backend } of samples)
    counts.set(String(backend), (counts.get(String(backend)) ?? 0) + 1)
  return {
    text: `served by ${[...counts].map(([by, count]) => `${by} (${count})`).join(', ')}`,
    holds: counts.size === 1 && counts.has(name),
  }
}

function newVisitorsAt(stage: Stage, name: string): StepResult {
  return {
    text: `new visitors are at ${name}`,
    holds: lastAt(stage.loads.newVisitors.samples, 20, name),
  }
}

function stickyAt(stage: Stage, name: string): StepResult {
  return {
    text: `sticky visitors are at ${name}`,
    holds: lastAt(stage.loads.sticky.samples, 20, name),
  }
}

function stateResult(stage: Stage, name: string, wanted: string): StepResult {
  const backend = stage.status().backends.find(one => one.name === name)
  return {
    text: `${name} is ${backend?.state}: ${backend?.reason}`,
    holds: backend?.state === wanted,
  }
}
