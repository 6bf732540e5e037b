import t from 'tap'
import {
  rangeRequest,
  transactionRequest,
  watchRequest,
} from '../../../cluster/requests.ts'

const base64 = (text: string): string => Buffer.from(text).toString('base64')

void t.test('a range: one key, or all keys of a prefix', t => {
  t.strictSame(rangeRequest('/a', false), { key: base64('/a'), limit: '10001' })
  t.strictSame(rangeRequest('/a/', true), {
    key: base64('/a/'),
    range_end: base64('/a0'),
    limit: '10001',
  })
  t.strictSame(watchRequest('/a/', 7), {
    create_request: {
      key: base64('/a/'),
      range_end: base64('/a0'),
      start_revision: '7',
    },
  })
  t.end()
})

void t.test('a transaction', t => {
  const key = base64('k')
  t.strictSame(
    transactionRequest(
      [
        { key: 'k', is: 'absent' },
        { key: 'k', is: 5 },
      ],
      [
        { put: 'k', value: 'v' },
        { put: 'k', value: 'v', lease: '9' },
        { remove: 'k' },
        { remove: 'k', isPrefix: true },
      ],
      [{ get: 'k' }, { get: 'k', isPrefix: true }],
    ),
    {
      compare: [
        { key, target: 'CREATE', result: 'EQUAL', create_revision: '0' },
        { key, target: 'MOD', result: 'EQUAL', mod_revision: '5' },
      ],
      success: [
        { request_put: { key, value: base64('v') } },
        { request_put: { key, value: base64('v'), lease: '9' } },
        { request_delete_range: { key } },
        { request_delete_range: { key, range_end: base64('l') } },
      ],
      failure: [
        { request_range: { key, limit: '10001' } },
        { request_range: { key, range_end: base64('l'), limit: '10001' } },
      ],
    },
  )
  t.end()
})
