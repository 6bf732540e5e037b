// Sites with believable names for pictures of the status page, and for tests of its
// look. The reports go through the same code as those of a real monitor.
import { parseConfig } from '../../config/parse.ts'
import type { StatusEvent } from '../../page/events.ts'
import type { Pictures } from '../../page/backends.ts'
import { historyMinutes, type Minutes } from '../../page/state-history.ts'
import type {
  BackendReport,
  ProbeRecord,
  State,
} from '../../sentinels/reports.ts'
import {
  noSentinels,
  type BackendSentinels,
  type Snapshot,
} from '../../sentinels/snapshot.ts'
import { statusReport, type StatusReport } from '../../status/report.ts'

export type SampleSite = {
  readonly report: StatusReport
  readonly pictures: Pictures
  readonly events: readonly StatusEvent[]
}

const minuteMs = 60_000

/** One backend: what it is now, and what it was. */
type Story = {
  readonly name: string
  readonly host: string
  readonly state: State
  readonly forMinutes: number
  readonly reason: string
  /** usual response time, ms */
  readonly usualMs: number
  readonly share?: number
  /** by minutes ago, of states that have passed */
  readonly past?: readonly (readonly [from: number, to: number, state: State])[]
  readonly files?: Partial<BackendSentinels>
}

const passes = 'passed 2 times in a row (rise 2): status 200'
const refused =
  'failed 3 times in a row (fall 3): the connection was refused: nothing listens on that port'

/** Four Zopes: one is down, one is drained, one was slow for a while. */
export function exampleSite(now: number): SampleSite {
  return siteOf(
    now,
    {
      default: { policy: 'balance', members: ['zope1', 'zope2', 'zope3'] },
      editors: {
        members: [
          { name: 'zope4', tier: 1 },
          { name: 'zope1', tier: 2 },
        ],
      },
    },
    [
      {
        name: 'zope1',
        host: 'app1.example.org:8081',
        state: 'up',
        forMinutes: 17_500,
        reason: passes,
        usualMs: 21,
      },
      {
        name: 'zope2',
        host: 'app1.example.org:8082',
        state: 'up',
        forMinutes: 31,
        reason: passes,
        usualMs: 24,
        past: [[36, 31, 'slow']],
        files: {
          drain: {
            by: 'anna',
            reason: 'upgrade to Plone 6.1',
            until: now + 28.4 * minuteMs,
          },
        },
      },
      {
        name: 'zope3',
        host: 'app2.example.org:8081',
        state: 'down',
        forMinutes: 0.6,
        reason: refused,
        usualMs: 26,
        past: [[60, 0.6, 'up']],
      },
      {
        name: 'zope4',
        host: 'app2.example.org:8082',
        state: 'up',
        forMinutes: 44,
        reason: passes,
        usualMs: 38,
        past: [
          [49, 47, 'down'],
          [47, 44, 'warming'],
        ],
      },
    ],
    [
      [0.6, 'note', 'pool default', 'new visitors go to zope1'],
      [0.6, 'bad', 'zope3', `up → down: ${refused}`],
      [1.6, 'note', 'pool default', 'new visitors go to zope1, zope3'],
      [1.6, 'note', 'zope2', 'drain by anna: upgrade to Plone 6.1'],
      [31, 'good', 'zope2', 'slow → up: answered in 61 ms'],
      [36, 'warn', 'zope2', 'up → slow: a page took 2.4 s (slow 1s)'],
      [44, 'good', 'zope4', `warming → up: ${passes}`],
      [47, 'warn', 'zope4', 'down → warming: 3 warm-up pages to fetch'],
      [49, 'bad', 'zope4', 'up → down: status 502, but only 200-399 passes'],
    ],
  )
}

/** Three pools of ten; some have every kind of trouble. */
export function largeSite(now: number): SampleSite {
  const troubles: readonly (readonly [State, string])[] = [
    ['down', refused],
    ['frozen', 'no answer for 3.2 s, and no other sign of life'],
    ['busy', 'the heart beats, but no worker has answered for 4.1 s'],
    ['slow', 'a page took 2.4 s (slow 1s)'],
    ['cut-off', 'the database does not answer: ZEO is gone'],
    ['warming', '2 of 5 warm-up pages are fetched'],
  ]
  const pools = ['readers', 'editors', 'intranet']
  return siteOf(
    now,
    Object.fromEntries(
      pools.map(pool => [
        pool,
        {
          policy: 'balance',
          members: names(pool).map((name, index) => ({
            name,
            tier: index < 7 ? 1 : 2,
          })),
        },
      ]),
    ),
    pools.flatMap((pool, row) =>
      names(pool).map((name, index) => {
        const trouble = row === 1 ? troubles[index - 3] : undefined
        return {
          name,
          host: `app${row + 1}.example.org:80${80 + index}`,
          state: trouble?.[0] ?? 'up',
          forMinutes: trouble === undefined ? 4_000 : index * 2,
          reason: trouble?.[1] ?? passes,
          usualMs: 15 + index * 7,
          past: [[60, index * 2, 'up']],
        }
      }),
    ),
    [[3, 'bad', 'editors4', `up → down: ${refused}`]],
  )
}

/** Every backend of the large site is down. */
export function deadSite(now: number): SampleSite {
  const { report } = largeSite(now)
  return siteOf(
    now,
    Object.fromEntries(
      report.pools.map(({ name, members }) => [
        name,
        { members: members.map(member => member.name) },
      ]),
    ),
    report.backends.map(({ name, address }, index) => ({
      name,
      host: address,
      state: 'down',
      forMinutes: 2 + index / 60,
      reason: refused,
      usualMs: 20,
      past: [[60, 2, 'up']],
    })),
    report.pools.map(({ name }) => [
      2,
      'bad',
      `pool ${name}`,
      'NO BACKEND can serve',
    ]),
  )
}

/** Long names, long texts without a space, and a program that is gone. */
export function wordySite(now: number): SampleSite {
  const long = `status 500, but only 200-399 passes: ${'ValueError'.repeat(20)}`
  const site = siteOf(
    now,
    { default: { members: ['a-very-long-name-of-a-backend-1', 'zope2'] } },
    [
      {
        name: 'a-very-long-name-of-a-backend-1',
        host: 'a-very-long-host-name.in-a-long-domain.example.org:8080',
        state: 'down',
        forMinutes: 90,
        reason: long,
        usualMs: 20,
        files: {
          maint: { by: 'anna', reason: 'x'.repeat(300), until: null },
        },
      },
      {
        name: 'zope2',
        host: 'app2.example.org:8080',
        state: 'slow',
        forMinutes: 7,
        reason: long,
        usualMs: 2_000,
        past: [[60, 7, 'up']],
      },
    ],
    [[7, 'warn', 'zope2', `up → slow: ${long}`]],
  )
  return {
    ...site,
    report: {
      ...site.report,
      monitor: { kind: 'silent', pid: 652, ageMs: 12_000 },
      maps: [],
      problems: [
        `file ${'y'.repeat(200)}.up: unknown backend; remove the file`,
      ],
    },
  }
}

function names(pool: string): string[] {
  return Array.from({ length: 10 }, (_, index) => `${pool}${index + 1}`)
}

function siteOf(
  now: number,
  pools: object,
  stories: readonly Story[],
  events: readonly (readonly [
    minutesAgo: number,
    tone: StatusEvent['tone'],
    subject: string,
    text: string,
  ])[],
): SampleSite {
  const config = parseConfig(
    JSON.stringify({
      directory: '/run/zope-failover',
      backends: Object.fromEntries(
        stories.map(({ name, host }) => [name, `http://${host}`]),
      ),
      pools,
    }),
    'zope-failover.yaml',
  )
  const reports = new Map(
    stories.map(story => [story.name, backendReport(story, now)]),
  )
  const snapshot: Snapshot = {
    backends: new Map(
      stories.map(({ name, files }) => [
        name,
        {
          ...noSentinels,
          share: reports.get(name)?.share ?? null,
          ...files,
        },
      ]),
    ),
    monitor: { writtenMs: now, judged: new Set(reports.keys()) },
    problems: [],
  }
  const report = statusReport(
    config,
    snapshot,
    {
      report: { pid: 652, backends: Object.fromEntries(reports) },
      writtenMs: now,
      isRunning: true,
    },
    [{ report: mapReport, writtenMs: now, isRunning: true }],
    now,
  )
  return {
    report,
    pictures: {
      probes: new Map([...reports].map(([name, { probes }]) => [name, probes])),
      minutes: new Map(stories.map(story => [story.name, minutesOf(story)])),
    },
    events: events.map(([minutes, tone, subject, text]) => ({
      at: timeAgo(now, minutes),
      tone,
      subject,
      text,
    })),
  }
}

const mapReport = {
  version: '',
  pid: 1_204,
  started: '',
  written: '',
  config: '',
  problems: [],
  lookups: 48_113,
  malformed: 0,
  unanswered: 0,
  faults: 0,
  tables: 1,
  answers: {},
}

function backendReport(story: Story, now: number): BackendReport {
  const { state, forMinutes, reason } = story
  return {
    state,
    since: timeAgo(now, forMinutes),
    reason,
    share: story.share ?? shares.get(state) ?? null,
    streak: 3,
    probes: probesOf(story, now),
  }
}

/** Of those that are not out of service. */
const shares = new Map<State, number>([
  ['up', 100],
  ['slow', 0],
  ['busy', 0],
  ['warming', 0],
])

/** One probe a second, for a minute; those of a bad state fail. */
function probesOf(
  { name, state, forMinutes, usualMs }: Story,
  now: number,
): ProbeRecord[] {
  const noise = noiseFrom(name)
  const isBad = !shares.has(state)
  return Array.from({ length: 64 }, (_, index) => {
    const secondsAgo = 63 - index
    const isFailed = isBad && secondsAgo < forMinutes * 60
    const spike = noise() > 0.95 ? 2.5 : 1
    return {
      at: new Date(now - secondsAgo * 1_000).toISOString(),
      outcome: isFailed ? 'refused' : 'pass',
      ms: isFailed ? 0.4 : usualMs * (0.75 + noise() * 0.4) * spike,
    }
  })
}

/** The same numbers from 0 to 1 for the same name. */
function noiseFrom(name: string): () => number {
  let seed = 1
  for (const char of name)
    seed = (seed * 31 + char.charCodeAt(0)) % 2_147_483_647
  return () => {
    seed = (seed * 48_271) % 2_147_483_647
    return seed / 2_147_483_647
  }
}

function minutesOf({ state, forMinutes, past = [] }: Story): Minutes {
  return Array.from({ length: historyMinutes }, (_, index) => {
    const minutesAgo = historyMinutes - 1 - index
    const former = past.find(
      ([from, to]) => minutesAgo <= from && minutesAgo >= to,
    )
    if (minutesAgo <= forMinutes) return state
    return former?.[2] ?? 'up'
  })
}

function timeAgo(now: number, minutes: number): string {
  return new Date(now - minutes * minuteMs).toISOString()
}
