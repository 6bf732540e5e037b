import t from 'tap'
import {
  failureOf,
  headerOf,
  valuesOf,
  valuesOfTransaction,
  watchLine,
} from '../../../cluster/answers.ts'

const base64 = (text: string): string => Buffer.from(text).toString('base64')
const kv = { key: base64('k'), value: base64('v'), mod_revision: '7' }
const value = { key: 'k', value: 'v', revision: 7 }
const header = { cluster_id: '12', revision: '8', raft_term: '2' }
const headerRead = { clusterId: '12', revision: 8, term: 2 }

void t.test('answers', t => {
  t.strictSame(headerOf({ header }), headerRead)
  t.strictSame(headerOf({}), { clusterId: '', revision: 0, term: 0 })
  t.strictSame(headerOf({ header: { revision: 'x' } }).revision, 0)
  t.strictSame(valuesOf({ kvs: [kv, 5] }), [
    value,
    { key: '', value: '', revision: 0 },
  ])
  t.strictSame(valuesOf({ count: '0' }), [])
  t.strictSame(
    valuesOfTransaction({
      responses: [{ response_range: { kvs: [kv] } }, { response_put: {} }],
    }),
    [value],
  )
  t.end()
})

void t.test('failures', t => {
  for (const [status, body, failure] of [
    [401, {}, { kind: 'token' }],
    [400, { code: 16, message: 'invalid auth token' }, { kind: 'token' }],
    [
      400,
      { code: 3, message: 'etcdserver: revision of auth store is old' },
      { kind: 'token' },
    ],
    [
      412,
      { code: 9, message: 'etcdserver: authentication is not enabled' },
      { kind: 'no-users' },
    ],
    [
      403,
      { code: 7, message: 'etcdserver: permission denied' },
      { kind: 'refused', why: 'permission denied' },
    ],
    [400, { code: 3 }, { kind: 'refused', why: 'status 400' }],
    [503, { error: 'no leader' }, { kind: 'away', why: 'no leader' }],
    [502, undefined, { kind: 'away', why: 'status 502' }],
  ] as const)
    t.strictSame(failureOf(status, body), failure)
  t.end()
})

const lineOf = (result: unknown) => watchLine(JSON.stringify({ result }))

void t.test('lines of a watch', t => {
  t.strictSame(lineOf({ header, created: true }), {
    kind: 'created',
    header: headerRead,
  })
  t.strictSame(lineOf({ header, events: [{ kv }, { type: 'DELETE', kv }] }), {
    kind: 'events',
    header: headerRead,
    events: [
      { kind: 'put', value },
      { kind: 'delete', key: 'k', revision: 7 },
    ],
  })
  t.strictSame(lineOf({ canceled: true, compact_revision: '5' }), {
    kind: 'compacted',
  })
  for (const [reason, failure] of [
    ['etcdserver: permission denied', { kind: 'refused' }],
    ['etcdserver: invalid auth token', { kind: 'token' }],
    ['etcdserver: user name is empty', { kind: 'token' }],
    ['no leader', { kind: 'away', why: 'no leader' }],
    [undefined, { kind: 'away', why: 'the watch ended' }],
  ] as const)
    t.match(lineOf({ canceled: true, cancel_reason: reason }), {
      kind: 'ended',
      failure,
    })
  t.match(
    watchLine('{"error":{"grpc_code":14,"message":"rpc error: no leader"}}'),
    { kind: 'ended', failure: { kind: 'away', why: 'rpc error: no leader' } },
  )
  t.strictSame(watchLine('{'), { kind: 'unreadable' })
  t.end()
})
