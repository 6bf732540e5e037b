import t from 'tap'
import { aCluster, aMachine } from '../../fixtures/cluster-report.ts'
import { html } from '../../../page/html.ts'
import type { ProbeRecord } from '../../../sentinels/reports.ts'
import type { StatusEvent } from '../../../page/events.ts'
import {
  pageDocument,
  pageTemplate,
  root,
  titleOf,
} from '../../../page/page.ts'
import type { StatusReport } from '../../../status/report.ts'
import { fill, patchBetween } from '../../../page/page-template.ts'
import { aBackend, aMap, aReport } from '../../fixtures/status-report.ts'

const none = { probes: new Map(), minutes: new Map() }

function page(
  changes: Partial<StatusReport> = {},
  events: readonly StatusEvent[] = [],
): string {
  return fill(pageTemplate(aReport(changes), none, events))
}

/** The visible text, without tags. */
function words(changes: Partial<StatusReport> = {}): string {
  return page(changes)
    .replaceAll(/<[^>]*>/g, ' ')
    .replaceAll(/\s+/g, ' ')
}

void t.test('a calm site', t => {
  const seen = words()
  for (const part of [
    '● Served by zope1 1 backend: 1 up',
    'default failover new visitors go to zope1',
    'monitor: alive, pid 17',
    'map: alive, pid 18 5 lookups, 2 without a usable backend, 1 malformed',
    'no events yet',
  ])
    t.match(seen, part)
  t.notMatch(seen, 'What is wrong')
  t.notMatch(page(), /class="(?:card )?bad"/)
  t.end()
})

void t.test('problems are described', t => {
  const seen = words({
    verdictsCount: false,
    monitor: { kind: 'dead', pid: 17, ageMs: 60_000 },
    maps: [],
    mapSeen: {
      state: 'hung',
      since: 'rubbish',
      reason: 'no answer',
      streak: 1,
      ms: 1,
      commandAt: null,
    },
    pools: [
      { name: 'default', policy: 'failover', newcomers: [], members: [] },
    ],
    problems: ['a problem'],
    notices: { webhook: { waiting: 0, dropped: 2 } },
  })
  for (const part of [
    'monitor: DEAD',
    'map: never seen',
    'map program seen through httpd: hung - , no answer',
    'notices by webhook: 0 waiting, 2 dropped',
    'verdicts are stale',
    'NO BACKEND can serve',
    '✕ Not served: no backend can serve',
    'What is wrong',
    'a problem',
    'monitor dead',
    'systemctl status zope-failover-monitor',
  ])
    t.match(seen, part)
  t.end()
})

void t.test('a recommendation is nothing wrong', t => {
  const limit = { severity: 'info' as const, what: 'a', why: 'b', remedy: 'c' }
  const seen = words({ limits: [limit] })
  t.match(seen, 'Recommended ○ a: b c')
  t.match(seen, '● Served by zope1')
  t.end()
})

void t.test('how many are in which state', t => {
  const admin = [
    { kind: 'maint' as const, reason: null, by: null, until: null },
  ]
  const backends = [aBackend, { ...aBackend, state: 'down', admin }, aBackend]
  t.match(words({ backends }), '3 backends: 2 up 1 down 1 set by hand')
  t.end()
})

void t.test('a large pool and many problems stay readable', t => {
  const names = Array.from({ length: 30 }, (_, index) => `zope${index}`)
  const seen = words({
    pools: [
      {
        name: 'default',
        policy: 'balance',
        newcomers: names,
        members: names.map(name => ({
          name,
          tier: 1,
          weight: 1,
          standing: 'up' as const,
        })),
      },
    ],
    problems: names,
  })
  t.match(seen, 'zope7 and 22 more')
  t.match(seen, '30 up')
  t.match(seen, 'and 10 more: zope-failover status')
  t.end()
})

void t.test(
  'a picture of the members: tier by tier, the worse, the higher',
  t => {
    const members = (
      [
        ['up', 1],
        ['down', 1],
        ['last-resort', 2],
        ['drain', 2],
      ] as const
    ).map(([standing, tier], index) => ({
      name: `zope${index}`,
      tier,
      weight: 1,
      standing,
    }))
    const pool = { name: 'default', policy: 'balance', newcomers: ['zope0'] }
    const seen = page({ pools: [{ ...pool, members }] })
    t.match(seen, 'width="44" height="16"')
    for (const bar of [
      '<path class="good" d="M0 12h7">',
      '<path class="bad" d="M9 8h7">',
      '<path class="warn" d="M26 10h7">',
      '<path class="note" d="M35 13h7">',
    ])
      t.match(seen, bar)
    t.match(seen, '1 up, 1 down, 1 last-resort, 1 drain')
    t.end()
  },
)

void t.test('untrusted file content is text, never markup', t => {
  const evil = '"><script>alert(1)</script><img src=x onerror=alert(1)>'
  const report: Partial<StatusReport> = {
    version: evil,
    directory: evil,
    maps: [{ ...aMap({ kind: 'alive', pid: 1, ageMs: 0 }), problems: [evil] }],
    mapSeen: {
      state: 'garbled',
      since: evil,
      reason: evil,
      streak: 1,
      ms: 1,
      commandAt: null,
    },
    backends: [
      {
        ...aBackend,
        address: evil,
        state: evil,
        since: evil,
        reason: evil,
        admin: [{ kind: 'maint', reason: evil, by: evil, until: evil }],
      },
    ],
    pools: [{ name: evil, policy: evil, newcomers: [evil], members: [] }],
    problems: [evil],
  }
  const probes: ProbeRecord[] = [{ at: evil, outcome: evil, ms: 1 }]
  const event = { at: evil, tone: 'note' as const, subject: evil, text: evil }
  const template = pageTemplate(
    aReport(report),
    {
      probes: new Map([['zope1', probes]]),
      minutes: new Map([['zope1', [evil]]]),
    },
    [event],
  )
  const all = pageDocument(template, aReport(report), '', '')
  t.notMatch(all.replace('<script></script>', ''), /<script|<img/)
  t.match(all, '&#60;script&#62;')
  t.end()
})

void t.test('a change of one backend changes its own cells', t => {
  const before = pageTemplate(aReport(), none, [])
  const backend = { ...aBackend, reason: 'another' }
  const after = pageTemplate(aReport({ backends: [backend] }), none, [])
  t.strictSame(Object.keys(patchBetween(before, after, root)), ['zope1.c-why'])
  t.end()
})

void t.test('events, in the given order, newest first', t => {
  const event = {
    at: '2026-11-22T18:00:00Z',
    tone: 'bad' as const,
    subject: 'zope1',
    text: 'up → down',
  }
  t.match(page({}, [event]), /2026-11-22 18:00:00 UTC.*zope1.*up → down/s)
  t.end()
})

void t.test('the document contains style and script unchanged', t => {
  const document = pageDocument(
    pageTemplate(aReport(), none, []),
    aReport(),
    'a > b {}\n',
    'if (1 < 2) {}\n',
  )
  t.match(document, /^<!doctype html>/)
  t.match(document, '<style>a > b {}\n</style>')
  t.match(document, '<script>if (1 < 2) {}\n</script>')
  t.match(document, '<title>zope-failover</title>')
  t.match(document, '<code>/run/x</code> · version 1')
  t.equal(document.split('<script>').length, 2)
  const steered = pageDocument(
    pageTemplate(aReport(), none, []),
    aReport(),
    '',
    '1',
    { dialog: html`<dialog></dialog>`, script: 'if (2 < 3) {}' },
  )
  t.match(
    steered,
    '<dialog></dialog><script type="module">if (2 < 3) {}</script>',
  )
  t.equal(
    titleOf([aBackend, { ...aBackend, state: 'frozen' }]),
    '1 down - zope-failover',
  )
  t.end()
})

void t.test('several machines', t => {
  const seen = words({
    cluster: aCluster({
      members: { fe1: aMachine(), fe2: aMachine({ state: 'away' }) },
    }),
  })
  t.match(seen, 'cluster: fe1 is together with the others')
  t.match(seen, 'machine fe1: live, 1 machine fe2: away, 1')
  t.end()
})
