import t from 'tap'
import { formatDuration, parseDuration } from '../../../text/duration.ts'

void t.test('a duration is a number with its unit', t => {
  for (const [text, ms] of [
    ['250ms', 250],
    ['2s', 2_000],
    ['1.5s', 1_500],
    ['5m', 300_000],
    ['1h', 3_600_000],
    ['0s', 0],
    ['5', undefined],
    ['5d', undefined],
    ['-1s', undefined],
    [' 1s', undefined],
    ['99999999999999999h', undefined],
    ['', undefined],
  ] as const)
    t.equal(parseDuration(text), ms, JSON.stringify(text))
  t.end()
})

void t.test('a duration is written in the largest unit that is exact', t => {
  for (const [ms, text] of [
    [0, '0s'],
    [1_500, '1500ms'],
    [2_000, '2s'],
    [120_000, '2m'],
    [7_200_000, '2h'],
    [0.5, '0.5ms'],
  ] as const)
    t.equal(formatDuration(ms), text)
  t.end()
})
