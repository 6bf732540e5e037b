import * as fc from 'fast-check'
import t from 'tap'
import { LineSplitter } from '../../../observer/line-splitter.ts'

/** A splitter with a fake clock. */
function stage(costMs = 0): {
  intake: LineSplitter
  seen: string[]
  pass: (ms: number) => void
} {
  const seen: string[] = []
  let nowMs = 0
  const intake = new LineSplitter(
    line => {
      seen.push(line)
      nowMs += costMs
    },
    () => nowMs,
  )
  return {
    intake,
    seen,
    pass: ms => {
      nowMs += ms
    },
  }
}

void t.test('lines come out whole, however the bytes are cut', t => {
  fc.assert(
    fc.property(
      fc.array(fc.array(fc.integer({ min: 11, max: 255 }), { maxLength: 40 })),
      fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1 }),
      (lines, cuts) => {
        const { intake, seen } = stage()
        const bytes = Buffer.from(lines.flatMap(line => [...line, 0x0a]))
        let start = 0
        for (let at = 0; start < bytes.length; at++) {
          const end = start + (cuts[at % cuts.length] ?? 1)
          // memory that is used again for the next chunk, as a stream may do
          const chunk = Buffer.from(bytes.subarray(start, end))
          intake.take(chunk)
          chunk.fill(0x0a)
          start = end
        }
        t.strictSame(
          seen,
          lines.map(line => Buffer.from(line).toString('latin1')),
        )
        return intake.lines === lines.length
      },
    ),
  )
  t.end()
})

void t.test('a line that is too long is counted, the next one is read', t => {
  const { intake, seen } = stage()
  const long = 'x'.repeat(1_025)
  intake.take(Buffer.from(`${long}\na\n`))
  for (let count = 0; count < 1_000; count++) intake.take(Buffer.from(long))
  intake.take(Buffer.from(`\n${long.slice(1)}\n`))
  t.strictSame(seen, ['a', long.slice(1)])
  t.strictSame([intake.lines, intake.tooLong, intake.skipped], [4, 2, 0])
  t.end()
})

void t.test('lines over the time budget are dropped and counted', t => {
  const { intake, seen, pass } = stage(100)
  for (const text of ['1\n2\n3\n', '4\n5\n', '6\n7\n8', '9\n'])
    intake.take(Buffer.from(text))
  t.strictSame(seen, ['1', '2', '3', '4', '5'])
  t.equal(intake.skipped, 3)
  pass(499)
  intake.take(Buffer.from('10\n'))
  t.equal(intake.skipped, 4, 'until the second is over')
  pass(1)
  intake.take(Buffer.from('11\n'))
  t.equal(seen.at(-1), '11')
  t.equal(intake.lines, 10)
  t.end()
})
