import * as fc from 'fast-check'
import t from 'tap'
import {
  decide,
  emptyLedger,
  type Ledger,
  type Rules,
} from '../../../../monitor/notify/decide.ts'
import {
  severities,
  type Fact,
  type Severity,
} from '../../../../monitor/notify/fact.ts'
import { keyOf, type Notice } from '../../../../monitor/notify/notice.ts'

const rules: Rules = {
  minSeverity: 'warning',
  groupWaitMs: 5_000,
  warningAfterMs: 60_000,
  repeatIntervalMs: 3_600_000,
  limit: { count: 3, perMs: 60_000 },
}

const stateOf = { info: 'up', warning: 'slow', critical: 'down' } as const

const fact = (name: string, severity: Severity | null): Fact => ({
  what: 'backend',
  name,
  state: severity === null ? 'unknown' : stateOf[severity],
  severity,
  reason: 'why',
  since: '2026-11-23T00:00:00.000Z',
})

/** A monitor that checks once a second; letters: the severities of a, b, c. */
function teller(own: Partial<Rules> = {}) {
  let ledger: Ledger = emptyLedger
  let nowS = 0
  const letters: Readonly<Record<string, Severity | null>> = {
    i: 'info',
    w: 'warning',
    c: 'critical',
    '?': null,
  }
  const titles: string[] = []
  const notices: Notice[] = []
  return {
    titles,
    notices,
    get ledger() {
      return ledger
    },
    /** for this many seconds */
    for(seconds: number, story: string): void {
      const facts = story
        .split('')
        .map((letter, at) => fact('abc'[at] ?? '', letters[letter] ?? null))
      for (let left = seconds; left > 0; left--) {
        const looked = decide(
          ledger,
          facts,
          { ...rules, ...own },
          'h',
          nowS * 1_000,
        )
        ledger = looked.ledger
        if (looked.notice !== undefined) {
          notices.push(looked.notice)
          titles.push(`${nowS} ${looked.notice.title}`)
        }
        nowS++
      }
    },
    turnBack(seconds: number): void {
      nowS -= seconds
    },
  }
}

void t.test('all that changes meanwhile is in one notice', t => {
  const one = teller()
  one.for(10, 'iii')
  one.for(3, 'cii')
  one.for(20, 'cci')
  t.strictSame(one.titles, ['15 CRITICAL: backend a down, backend b down'])
  one.for(20, 'iii')
  t.strictSame(one.titles.slice(1), ['38 RESOLVED: backend a up, backend b up'])
  t.match(one.notices[1]?.changes[0], { was: 'down', severity: 'info' })
  t.end()
})

void t.test('reverted before it was sent: no notice', t => {
  const one = teller()
  for (let round = 0; round < 50; round++) {
    one.for(4, 'cii')
    one.for(3, 'iii')
  }
  t.strictSame(one.titles, [])
  t.end()
})

void t.test('a warning must last, and becomes critical at once', t => {
  const one = teller({ limit: { count: 4, perMs: 60_000 } })
  one.for(59, 'w')
  one.for(10, 'i')
  one.for(61, 'w')
  t.strictSame(one.titles, ['129 WARNING: backend a slow'])
  one.for(10, 'c')
  one.for(10, 'w')
  one.for(10, 'i')
  t.strictSame(one.titles.slice(1), [
    '135 CRITICAL: backend a down',
    '145 WARNING: backend a slow',
    '155 RESOLVED: backend a up',
  ])
  const other = teller()
  other.for(30, 'w')
  for (let round = 0; round < 3; round++) {
    other.for(2, 'c')
    other.for(2, 'w')
  }
  t.strictSame(other.titles, ['35 CRITICAL: backend a down'])
  t.end()
})

void t.test('a warning below minSeverity', t => {
  const one = teller({ minSeverity: 'critical' })
  one.for(200, 'wi')
  one.for(10, 'wc')
  one.for(10, 'ww')
  t.strictSame(
    one.titles.map(line => line.slice(4)),
    ['CRITICAL: backend b down', 'RESOLVED: backend b slow'],
  )
  t.end()
})

void t.test('unknown keeps what was reported last', t => {
  const one = teller()
  one.for(10, 'c')
  one.for(100, '?')
  one.for(100, 'c')
  t.equal(one.titles.length, 1)
  one.for(10, '')
  t.strictSame(one.titles.slice(1), ['215 RESOLVED: backend a gone'])
  t.match(one.notices[1]?.changes, [
    { was: 'down', reason: 'removed from the configuration' },
  ])
  t.end()
})

void t.test('still down', t => {
  const one = teller({ repeatIntervalMs: 600_000 })
  one.for(1_300, 'c')
  t.strictSame(one.titles, [
    '5 CRITICAL: backend a down',
    '605 STILL CRITICAL: backend a down',
    '1205 STILL CRITICAL: backend a down',
  ])
  one.for(502, 'c')
  one.for(4, 'cc')
  t.match(
    one.notices.at(-1),
    { kind: 'reminder', bad: [{ name: 'a' }] },
    'says nothing about one that is not due yet',
  )
  one.for(4, 'cc')
  t.match(one.notices.at(-1), { kind: 'change', changes: [{ name: 'b' }] })
  const never = teller({ repeatIntervalMs: 0 })
  never.for(10_000, 'c')
  t.equal(never.titles.length, 1)
  t.end()
})

void t.test('the limit delays notices and loses none', t => {
  const one = teller()
  for (let round = 0; round < 4; round++) {
    one.for(6, 'c')
    one.for(6, 'i')
  }
  t.equal(one.titles.length, 3)
  one.for(40, 'i')
  t.strictSame(one.titles.slice(3), ['65 RESOLVED: backend a up'])
  t.end()
})

void t.test('a clock that is set back', t => {
  const one = teller({ repeatIntervalMs: 600_000 })
  one.for(10, 'i')
  one.for(3, 'c')
  one.turnBack(5)
  one.for(7, 'c')
  t.equal(one.titles.length, 1, 'delays nothing for longer than the group')
  one.turnBack(1_000)
  one.for(602, 'c')
  t.equal(one.titles.length, 2, 'nor a reminder')
  t.end()
})

const poolFact = (severity: Severity): Fact => ({
  ...fact('default', severity),
  what: 'pool',
  since: null,
})

void t.test('since when, if the fact does not say', t => {
  const look = (ledger: Ledger, severity: Severity, nowMs: number) =>
    decide(ledger, [poolFact(severity)], rules, 'h', nowMs)
  const first = look(emptyLedger, 'critical', 1_000)
  const second = look(first.ledger, 'critical', 6_000)
  const since = '1970-01-01T00:00:01.000Z'
  t.equal(second.notice?.bad[0]?.since, since)
  const third = look(second.ledger, 'critical', 6_000 + rules.repeatIntervalMs)
  t.equal(third.notice?.bad[0]?.since, since)
  const { reported } = second.ledger
  const without = look({ ...emptyLedger, reported }, 'critical', 6_000)
  t.match(
    without.notice,
    { kind: 'reminder' },
    'it is unknown when it was reported',
  )
  t.end()
})

const anySeverity = fc.constantFrom('i', 'w', 'c', '?')
const stories = fc.array(
  fc.tuple(
    fc.integer({ min: 1, max: 200 }),
    fc.tuple(anySeverity, anySeverity, anySeverity).map(all => all.join('')),
  ),
  { maxLength: 30 },
)

void t.test('random histories', t => {
  fc.assert(
    fc.property(
      stories,
      fc.constantFrom('warning' as const, 'critical' as const),
      (story, minSeverity) => {
        const one = teller({ minSeverity, repeatIntervalMs: 0 })
        for (const [seconds, facts] of story) one.for(seconds, facts)
        // nothing lost: eventually the last notice matches reality
        one.for(300, 'iwc')
        const bad = new Map<string, Severity>()
        const now = new Map<string, Severity>()
        for (const { changes, id } of one.notices) {
          t.not(changes.length, 0, id)
          for (const item of changes) {
            // no duplicate: each one differs from the one before
            t.not(now.get(keyOf(item)) ?? 'info', item.severity)
            now.set(keyOf(item), item.severity)
          }
        }
        for (const [key, severity] of now)
          if (severity !== 'info') bad.set(key, severity)
        t.strictSame(
          bad,
          new Map<string, Severity>([
            ...(minSeverity === 'warning'
              ? ([['backend b', 'warning']] as const)
              : []),
            ['backend c', 'critical'],
          ]),
        )
        t.strictSame(
          new Set(one.ledger.reported.keys()),
          new Set(bad.keys()),
          'and the ledger knows it',
        )
        // bounded: never more than the limit in any minute
        const madeS = one.titles.map(line => Number(line.split(' ')[0]))
        for (const [at, made] of madeS.entries())
          t.ok(made - (madeS[at - 3] ?? -Infinity) >= 60)
        t.equal(severities.length, 3)
      },
    ),
    { numRuns: 100 },
  )
  t.end()
})
