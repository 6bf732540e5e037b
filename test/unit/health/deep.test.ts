import t from 'tap'
import {
  isDeepInDoubt,
  noDeep,
  nextDeep,
  type Deep,
  type DeepEvent,
  type DeepOutcome,
} from '../../../health/deep.ts'

const settings = {
  rise: 2,
  fall: 3,
  slowMs: 1_000,
  deep: { path: '/p', intervalMs: 10_000, timeoutMs: 3_000, maxLagMs: 10_000 },
}
const said = { agreedAt: Infinity, beyond: null, aheadSeconds: null }
const own = { id: '01', seconds: 100 }
const newest = { id: '02', seconds: 160 }
const fresh: DeepOutcome = { kind: 'fresh', ms: 2, own, server: null }
const gone: DeepOutcome = { kind: 'gone', why: 'why', own: null }

function after(deep: Deep, outcomes: readonly DeepOutcome[], atMs = 0): Deep {
  return outcomes.reduce(
    (before, outcome) =>
      nextDeep(
        before,
        { kind: 'deep', outcome, newest: null, newestOf: 'b', ...said },
        settings,
        atMs,
      ),
    deep,
  )
}

void t.test('`fall` bad answers cut off, `rise` good ones end it', t => {
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

void t.test('a held probe counts by its duration', t => {
  const held = (ms: number): Deep => after(noDeep, [{ kind: 'silent', ms }])
  t.equal(held(2_999).streak, 0)
  t.equal(held(3_000).streak, -1)
  t.equal(held(8_999).cutReason, null)
  t.match(held(9_000).cutReason, 'unanswered after 9000 ms (3 in a row')
  t.equal(after(held(6_100), [{ kind: 'silent', ms: 100 }]).streak, -2)
  const unset = nextDeep(
    noDeep,
    {
      kind: 'deep',
      outcome: { kind: 'silent', ms: 1e9 },
      newest,
      newestOf: '',
      ...said,
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

void t.test('a transaction that is missing for too long', t => {
  const see = (deep: Deep, id: string | null, nowMs: number): Deep =>
    nextDeep(
      deep,
      {
        kind: 'deep',
        outcome: { ...fresh, own: id === null ? null : { ...own, id } },
        newest,
        newestOf: 'b',
        ...said,
      },
      settings,
      nowMs,
    )
  const behind = see(noDeep, '01', 1_000)
  t.same(behind.missing, { id: '02', sinceMs: 1_000, behindSeconds: 60 })
  t.equal(isDeepInDoubt(behind), true)
  t.equal(see(behind, '01', 11_000).cutReason, null)
  t.match(see(behind, '01', 11_001).cutReason, 'is 60 s behind')
  t.equal(see(behind, '02', 11_001).missing, null)
  t.equal(see(behind, null, 11_001).missing, null)
  const unset = nextDeep(
    behind,
    { kind: 'deep', outcome: fresh, newest: null, newestOf: 'b', ...said },
    { ...settings, deep: null },
    1e9,
  )
  t.equal(unset.cutReason, null)
  t.end()
})

function lacks(
  deep: Deep,
  id: string | null,
  nowMs: number,
  agreedAt = nowMs,
): Deep {
  return nextDeep(
    deep,
    {
      kind: 'deep',
      outcome: fresh,
      newest: id === null ? null : { id, seconds: 160 },
      newestOf: 'b',
      ...said,
      agreedAt,
    },
    settings,
    nowMs,
  )
}

void t.test('a transaction that is no longer claimed is not missing', t => {
  const behind = lacks(noDeep, '05', 0)
  const cut = lacks(behind, '06', 10_001)
  t.match(cut.cutReason, 'serves stale pages: for 10 s it has lacked a')
  t.match(cut.missing, { id: '05', sinceMs: 0 }, 'as long as it is claimed')
  for (const id of ['01', '00', null]) {
    const back = lacks(lacks(cut, id, 11_000), id, 12_000)
    t.equal(back.cutReason, null, 'after a restore: back')
    t.equal(isDeepInDoubt(back), false)
  }
  t.match(
    lacks(cut, '04', 11_000).missing,
    { id: '04', sinceMs: 11_000 },
    'another one, from now on',
  )
  t.equal(
    lacks(behind, '05', 99_000, -1).cutReason,
    null,
    'not confirmed since',
  )
  t.end()
})

void t.test('a claim that others deny is reported, with no other effect', t => {
  const see = (
    deep: Deep,
    nowMs: number,
    change: Partial<DeepEvent> = {},
  ): Deep =>
    nextDeep(
      deep,
      {
        kind: 'deep',
        outcome: fresh,
        newest: { id: '00', seconds: 1 },
        newestOf: 'b',
        ...said,
        beyond: { id: '01', deniedBy: 'b and c', deniedMs: nowMs },
        ...change,
      },
      settings,
      nowMs,
    )
  const first = see(noDeep, 0)
  t.match(first, { beyond: { id: '01', sinceMs: 0 }, remark: null })
  t.equal(see(first, 10_000).remark, null)
  const last = see(first, 10_001)
  t.match(last, {
    cutReason: null,
    remark: /^it claims a transaction unknown to b and c: check which/,
  })
  t.equal(isDeepInDoubt(last), false)
  const beyond = { id: '07', deniedBy: 'b', deniedMs: 20_000 }
  t.match(see(last, 20_000, { beyond }).remark, 'unknown to b', 'newer yet')
  t.equal(
    see(first, 20_000, { beyond: { ...beyond, deniedMs: -1 } }).remark,
    null,
    'they were not asked since',
  )
  t.same(
    see(last, 20_000, { beyond, newest: own }).beyond,
    { id: '07', sinceMs: 20_000 },
    'the others have got that one',
  )
  t.match(
    see(last, 20_000, { beyond: { ...beyond, id: '00' }, newest: null }),
    { beyond: { id: '00', sinceMs: 20_000 }, remark: null },
    'it is at another database',
  )
  t.match(see(last, 20_000, { beyond: null }), { beyond: null, remark: null })
  t.match(see(last, 20_000, { aheadSeconds: 99 }), {
    beyond: null,
    remark: /the newest is 99 s ahead of this machine's clock/,
  })
  t.equal(see(last, 20_000, { outcome: { kind: 'none', why: '' } }), last)
  t.equal(
    see(last, 20_000, { outcome: { kind: 'silent', ms: 9 } }).remark,
    null,
  )
  t.match(see(last, 20_000, { outcome: gone }).remark, 'unknown to b and c')
  const unset = nextDeep(
    first,
    {
      kind: 'deep',
      outcome: fresh,
      newest: null,
      newestOf: '',
      ...said,
      beyond: { ...beyond, deniedMs: Infinity },
    },
    { ...settings, deep: null },
    99_000,
  )
  t.equal(unset.remark, null)
  t.end()
})

void t.test('a dead database behind a hanging link', t => {
  const event = {
    kind: 'deep',
    outcome: { kind: 'gone', why: 'why', own },
    newest,
    newestOf: 'b',
    ...said,
  } as const
  t.match(
    nextDeep(
      { ...noDeep, missing: { id: '02', sinceMs: 0, behindSeconds: 60 } },
      { ...event, outcome: { ...event.outcome, own: null } },
      { ...settings, fall: 1 },
      0,
    ).cutReason,
    /^its database: why \(1 in a row/,
  )
  const one = nextDeep(noDeep, event, { ...settings, fall: 1 }, 0)
  t.equal(
    one.cutReason,
    'its database: why, and it serves stale pages: it lacks a transaction known to b; its newest transaction is 60 s behind (1 in a row, fall 1)',
  )
  const far = after({ ...noDeep, streak: -5 }, [{ kind: 'silent', ms: 3_000 }])
  t.equal(far.streak, -5)
  t.end()
})

void t.test('in doubt it is probed again soon', t => {
  t.equal(isDeepInDoubt(noDeep), false)
  t.equal(isDeepInDoubt(after(noDeep, [gone])), true)
  const cut = after(noDeep, [gone, gone, gone])
  t.equal(isDeepInDoubt(cut), true, 'back as soon as it can be')
  t.equal(isDeepInDoubt(after(cut, [fresh])), true)
  t.end()
})
