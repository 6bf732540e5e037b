import type { LookupAddress } from 'node:dns'
import t from 'tap'
import { Resolver } from '../../../probes/resolver.ts'

type Answer = (
  error: NodeJS.ErrnoException | null,
  addresses: LookupAddress[],
) => void

const address = { address: '127.0.0.1', family: 4 }
const other = { address: '127.0.0.2', family: 4 }
const notFound = Object.assign(new Error('no'), { code: 'ENOTFOUND' })

/** A resolver whose answers are controlled by the test. */
function stage(): { lookup: Resolver; asked: [string, Answer][] } {
  const asked: [string, Answer][] = []
  const lookup = new Resolver((host, _options, callback) => {
    asked.push([host, callback])
  })
  return { lookup, asked }
}

void t.test('a literal address needs no lookup', async t => {
  const { lookup, asked } = stage()
  t.same(await lookup.resolve('10.0.0.1', 0), {
    kind: 'found',
    addresses: [{ address: '10.0.0.1', family: 4 }],
  })
  t.match(await lookup.resolve('::1', 0), {
    addresses: [{ address: '::1', family: 6 }],
  })
  t.equal(asked.length, 0)
})

void t.test('a name that was never resolved fails or hangs', async t => {
  const { lookup, asked } = stage()
  t.same(await lookup.resolve('a.test', 1), { kind: 'hanging' })
  const second = lookup.resolve('a.test', 60_000)
  t.equal(asked.length, 1, 'the one that hangs is asked no second time')
  asked[0]?.[1](notFound, [])
  t.same(await second, { kind: 'failed', error: 'ENOTFOUND' })
  const third = lookup.resolve('a.test', 60_000)
  t.equal(asked.length, 2)
  asked[1]?.[1](null, [address])
  t.same(await third, { kind: 'found', addresses: [address] })
})

void t.test('the last good address is used while the lookup fails', async t => {
  const { lookup, asked } = stage()
  const first = lookup.resolve('a.test', 60_000)
  asked[0]?.[1](null, [address])
  await first
  const failing = lookup.resolve('a.test', 60_000)
  asked[1]?.[1](notFound, [])
  t.same(await failing, {
    kind: 'remembered',
    addresses: [address],
    error: 'ENOTFOUND',
  })
  t.same(
    await lookup.resolve('a.test', 60_000),
    { kind: 'remembered', addresses: [address], error: 'no answer yet' },
    'it waits a little for one that hangs',
  )
  t.same(await lookup.resolve('a.test', 60_000), {
    kind: 'remembered',
    addresses: [address],
    error: 'no answer yet',
  })
  t.equal(asked.length, 3)
  asked[2]?.[1](null, [other])
  const fresh = lookup.resolve('a.test', 60_000)
  asked[3]?.[1](null, [other])
  t.same(await fresh, { kind: 'found', addresses: [other] }, 'it has moved')
})

void t.test('names do not wait for each other', async t => {
  const { lookup, asked } = stage()
  const hanging = lookup.resolve('a.test', 60_000)
  const quick = lookup.resolve('b.test', 60_000)
  asked[1]?.[1](null, [other])
  t.match(await quick, { kind: 'found' })
  asked[0]?.[1](null, [address])
  t.match(await hanging, { addresses: [address] })
})

void t.test('what an earlier monitor knew is used for a week', async t => {
  const first = stage()
  const found = first.lookup.resolve('a.test', 60_000)
  first.asked[0]?.[1](null, [address, { address: '::1', family: 6 }])
  await found
  const remembered = first.lookup.remembered([
    'a.test',
    'a.test',
    'b.test',
    '::1',
  ])
  t.match(remembered, { 'a.test': { addresses: ['127.0.0.1', '::1'] } })
  t.equal(Object.keys(remembered).length, 1)

  const day = 24 * 3_600_000
  const kindOf = async (
    value: unknown,
    afterMs: number,
    host = 'a.test',
  ): Promise<string> => {
    const { lookup } = stage()
    lookup.remember(value, [host], Date.now() + afterMs)
    return (await lookup.resolve(host, 1)).kind
  }
  t.equal(await kindOf(remembered, 0), 'remembered')
  t.equal(await kindOf(remembered, 6 * day), 'remembered')
  t.equal(await kindOf(remembered, 8 * day), 'hanging', 'too old')
  t.equal(await kindOf(remembered, -8 * day), 'hanging', 'of the future')
  t.equal(await kindOf(remembered, 0, 'b.test'), 'hanging', 'not asked for')
  const at = new Date().toISOString()
  for (const value of [
    undefined,
    'text',
    { 'a.test': null },
    { 'a.test': { at, addresses: 'text' } },
    { 'a.test': { at, addresses: ['evil.test', {}, null] } },
    { 'a.test': { at: 'soon', addresses: ['127.0.0.1'] } },
  ])
    t.equal(await kindOf(value, 0), 'hanging', JSON.stringify(value))
  const { lookup, asked } = stage()
  lookup.remember(remembered, ['a.test'], Date.now())
  const looked = lookup.resolve('a.test', 60_000)
  asked[0]?.[1](null, [other])
  t.same(await looked, { kind: 'found', addresses: [other] })
  lookup.remember(remembered, ['a.test'], Date.now())
  t.match(lookup.remembered(['a.test']), {
    'a.test': { addresses: ['127.0.0.2'] },
  })
})
