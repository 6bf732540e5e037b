import t from 'tap'
import {
  noticeOf,
  shortened,
  type NoticeChange,
  type Item,
} from '../../../../monitor/notify/notice.ts'

const item = (name: string, more: Partial<Item> = {}): Item => ({
  what: 'backend',
  name,
  state: 'down',
  severity: 'critical',
  reason: 'refused',
  since: '2026-11-23T00:00:00.000Z',
  ...more,
})
const change = (
  name: string,
  more: Partial<NoticeChange> = {},
): NoticeChange => ({
  ...item(name),
  was: 'well',
  ...more,
})
const from = { host: 'web1', count: 7 }

void t.test('what changed, and what else is bad', t => {
  const slow = item('zope3', { state: 'slow', severity: 'warning' })
  t.strictSame(
    noticeOf('change', [change('zope1')], [item('zope1'), slow], from, 5),
    {
      version: 1,
      id: 'web1-5-7',
      kind: 'change',
      severity: 'critical',
      time: '1970-01-01T00:00:00.005Z',
      host: 'web1',
      title: 'CRITICAL: backend zope1 down',
      text: [
        'CRITICAL: backend zope1 down (zope-failover on web1)',
        'backend zope1: down, refused (was well)',
        'still backend zope3: slow, refused, since 2026-11-23T00:00:00.000Z',
      ].join('\n'),
      changes: [change('zope1')],
      bad: [item('zope1'), slow],
      total: { changes: 1, bad: 2 },
    },
  )
  t.match(noticeOf('reminder', [], [slow], from, 5), {
    severity: 'warning',
    title: 'STILL WARNING: backend zope3 slow',
  })
  const up = change('map', { what: 'map', state: 'ok', severity: 'info' })
  t.match(noticeOf('change', [up], [], from, 5), {
    severity: 'info',
    title: 'RESOLVED: map ok',
    text: /^map: ok, refused \(was well\)$/m,
  })
  t.end()
})

void t.test('a thousand at once, and reasons controlled by a backend', t => {
  const names = Array.from({ length: 1_000 }, (_, index) => `zope${index}`)
  const { title, text, changes, bad, total } = noticeOf(
    'change',
    names.map(name => change(name, { reason: '<!channel>\nx' })),
    names.map(name => item(name)),
    from,
    5,
  )
  t.equal(title.length, 120)
  t.match(text, 'zope0: down, ‹!channel›\\u000ax (was well)\n')
  t.match(text, /\nand 980 more$/)
  t.strictSame([changes.length, bad.length], [100, 100])
  t.strictSame(total, { changes: 1_000, bad: 1_000 })
  t.end()
})

void t.test('shortened once for a receiver that rejected it', t => {
  const change = {
    what: 'backend' as const,
    name: 'a',
    state: 'down',
    severity: 'critical' as const,
    reason: 'r'.repeat(1_000),
    since: '2026-11-23T00:00:00.000Z',
    was: 'well',
  }
  const names = ['a', 'b', 'c', 'd', 'e', 'f'].map(name => ({
    ...change,
    name,
  }))
  for (const changes of [[change], names]) {
    const whole = noticeOf('change', changes, [], { host: 'h', count: 1 }, 0)
    t.ok(whole.text.split('\n').every(line => line.length <= 300))
    const short = shortened(whole)
    t.match(short, {
      id: whole.id,
      changes: [],
      bad: [],
      total: { changes: changes.length },
    })
    t.ok((short?.title.length ?? 100) <= 60)
    t.equal(short === undefined ? 0 : shortened(short), undefined)
  }
  t.end()
})
