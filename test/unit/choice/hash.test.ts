import t from 'tap'
import { fraction, hashBytes } from '../../../choice/hash.ts'

void t.test('the hash of given bytes never changes', t => {
  // the published vectors of 32-bit FNV-1a
  for (const [bytes, hash] of [
    ['', 0x811c9dc5],
    ['a', 0xe40c292c],
    ['b', 0xe70c2de5],
    ['foobar', 0xbf9cf968],
    ['\xff\x00\x00\x01', 0xc48fb86d],
  ] as const)
    t.equal(hashBytes(bytes), hash, JSON.stringify(bytes))
  t.equal(fraction(0, 0), 0.5 / 2 ** 52 + fraction(0, 0) - 0.5 / 2 ** 52)
  t.end()
})

const unmix = (word: number): number => {
  let left = word ^ (word >>> 16)
  left = Math.imul(left, 0x7ed1b41d)
  left ^= (left >>> 13) ^ (left >>> 26)
  left = Math.imul(left, 0xa5cb9243)
  return (left ^ (left >>> 16)) >>> 0
}

void t.test('a key draws a number strictly between 0 and 1', t => {
  // the key and the seed that draw the highest possible number, found by
  // running the mixer backwards
  for (const word of [0xffffffff, 0]) {
    const first = unmix(word)
    const key = (unmix((word ^ first) >>> 0) - 0x9e3779b9) >>> 0
    const drawn = fraction(key, unmix((key ^ first) >>> 0))
    t.ok(drawn > 0 && drawn < 1, String(drawn))
    t.ok(word === 0 ? drawn < 1e-15 : drawn > 1 - 1e-15, 'it is the extreme')
  }
  t.end()
})

void t.test(
  'numbers are evenly distributed, and similar keys are independent',
  t => {
    const bins = Array.from({ length: 16 }, () => 0)
    let together = 0
    const keys = 20_000
    for (let key = 0; key < keys; key++) {
      const drawn = fraction(hashBytes(`key${key}`), hashBytes('pool a'))
      const other = fraction(hashBytes(`key${key}`), hashBytes('pool b'))
      const bin = Math.floor(drawn * 16)
      bins[bin] = (bins[bin] ?? 0) + 1
      if (drawn < 0.5 === other < 0.5) together++
    }
    for (const count of bins)
      t.ok(Math.abs(count / (keys / 16) - 1) < 0.15, `${count} in a sixteenth`)
    t.ok(Math.abs(together / keys - 0.5) < 0.02, 'two seeds are independent')
    t.end()
  },
)
