import t from 'tap'
import {
  isDeepInDoubt,
  noDeep,
  stepDeep,
} from '../../../monitor/judgement/deep.ts'
import type { Deep, DeepOutcome } from '../../../monitor/judgement/deep.ts'

const settings = {
  rise: 2,
  fall: 3,
  slowMs: 1_000,
  deep: { path: '/p', intervalMs: 10_000, timeoutMs: 3_000, maxLagMs: 10_000 },
}
const own = { id: '01', seconds: 100 }
const newest = { id: '02', seconds: 160 }
const fresh: DeepOutcome = { kind: 'fresh', ms: 2, own, server: null }
const gone: DeepOutcome = { kind: 'gone', why: 'why', own: null }

function after(deep: Deep, outcomes: readonly DeepOutcome[], atMs = 0): Deep {
  return outcomes.reduce(
    (before, outcome) =>
      stepDeep(
        before,
        { kind: 'deep', outcome, newest: null, newestOf: 'b' },
        settings,
        atMs,
      ),
    deep,
  )
}

void t.test('fall bad answers cut off, rise good ones end it', t => {
  t.equal(after(noDeep, [gone, gone]).cutReason, null)
  const cut = after(noDeep, [gone, gone, gone])
  t.equal(cut.cutReason, 'its database: why (3 in a row, fall 3)')
  t.equal(after(noDeep, [gone, gone, fresh, gone, gone]).cutReason, null)
  t.match(after(cut, [gone]).cutReason, '4 in a row', 'kept current')
  t.not(after(cut, [fresh]).cutReason, null)
  t.equal(after(cut, [fresh, fresh]).cutReason, null)
  t.equal(after(cut, [{ kind: 'none', why: '' }]), cut)
  t.end()
})

void t.test('one that is held counts by its time', t => {
  const held = (ms: number): Deep => after(noDeep, [{ kind: 'silent', ms }])
  t.equal(held(2_999).streak, 0)
  t.equal(held(3_000).streak, -1)
  t.equal(held(8_999).cutReason, null)
  t.match(held(9_000).cutReason, 'unanswered after 9000 ms (3 in a row')
  t.equal(after(held(6_100), [{ kind: 'silent', ms: 100 }]).streak, -2)
  const unset = stepDeep(
    noDeep,
    {
      kind: 'deep',
      outcome: { kind: 'silent', ms: 1e9 },
      newest,
      newestOf: '',
    },
    { ...settings, deep: null },
    0,
  )
  t.equal(unset.cutReason, null)
  t.end()
})

void t.test('slow', t => {
  const late = { ...fresh, ms: 1_001 }
  t.equal(after(noDeep, [late]).slowReason, null)
  t.equal(isDeepInDoubt(after(noDeep, [late])), true)
  t.equal(after(noDeep, [late, fresh, late]).slowReason, null)
  t.match(after(noDeep, [late, late]).slowReason, '1001 ms (2 late in a row')
  t.equal(after(noDeep, [{ ...fresh, ms: 1_000 }]).slowReason, null)
  t.end()
})

void t.test('what it has not got for too long', t => {
  const see = (deep: Deep, id: string | null, nowMs: number): Deep =>
    stepDeep(
      deep,
      {
        kind: 'deep',
        outcome: { ...fresh, own: id === null ? null : { ...own, id } },
        newest,
        newestOf: 'b',
      },
      settings,
      nowMs,
    )
  const behind = see(noDeep, '01', 1_000)
  t.same(behind.missing, { id: '02', sinceMs: 1_000 })
  t.equal(isDeepInDoubt(behind), true)
  t.equal(see(behind, '01', 11_000).cutReason, null)
  t.match(see(behind, '01', 11_001).cutReason, 'is 60 s older')
  t.equal(see(behind, '02', 11_001).missing, null)
  t.equal(see(behind, null, 11_001).missing, null)
  const unset = stepDeep(
    behind,
    { kind: 'deep', outcome: fresh, newest: null, newestOf: 'b' },
    { ...settings, deep: null },
    1e9,
  )
  t.equal(unset.cutReason, null)
  t.match(
    stepDeep(
      behind,
      { kind: 'deep', outcome: fresh, newest: null, newestOf: 'b' },
      settings,
      99_000,
    ).cutReason,
    'by how much is not known',
  )
  t.end()
})

void t.test('a database that is gone behind a link that hangs', t => {
  const event = {
    kind: 'deep',
    outcome: { kind: 'gone', why: 'why', own },
    newest,
    newestOf: 'b',
  } as const
  const one = stepDeep(noDeep, event, { ...settings, fall: 1 }, 0)
  t.equal(
    one.cutReason,
    'its database: why, and it serves old pages: it has not got a transaction that b knows; its last transaction is 60 s older (1 in a row, fall 1)',
  )
  const far = after({ ...noDeep, streak: -5 }, [{ kind: 'silent', ms: 3_000 }])
  t.equal(far.streak, -5)
  t.end()
})

void t.test('in doubt it is asked again soon', t => {
  t.equal(isDeepInDoubt(noDeep), false)
  t.equal(isDeepInDoubt(after(noDeep, [gone])), true)
  const cut = after(noDeep, [gone, gone, gone])
  t.equal(isDeepInDoubt(cut), true, 'back as soon as it can be')
  t.equal(isDeepInDoubt(after(cut, [fresh])), true)
  t.end()
})
