import t from 'tap'
import {
  askedAgain,
  noRuns,
  runBegun,
  runEnded,
  tableRead,
  untilRun,
  type Runs,
} from '../../../follow/runs.ts'

/** The command has taken the table `text` over at 1,000. */
function calm(text = 'a'): Runs {
  return runEnded(runBegun(tableRead(noRuns, text, 990), 990), true, 1_000)
}

void t.test('at the start at once, and then not', t => {
  t.equal(untilRun(noRuns, 0), null, 'nothing to say yet')
  const first = tableRead(noRuns, 'a', 0)
  t.equal(untilRun(first, 0), 0)
  const running = runBegun(first, 0)
  t.equal(running.running, 'a')
  t.equal(untilRun(running, 5), null, 'it runs')
  t.equal(untilRun(runEnded(running, true, 10), 10), null)
  const same = calm()
  t.equal(tableRead(same, 'a', 2_000), same)
  t.end()
})

void t.test('a change: at once, changes together once', t => {
  const changed = tableRead(calm(), 'b', 2_000)
  t.equal(untilRun(changed, 2_000), 20)
  t.equal(untilRun(tableRead(changed, 'c', 2_010), 2_020), 10, 'it settles')
  t.equal(untilRun(changed, 2_020), 0)
  t.equal(untilRun(tableRead(changed, 'a', 2_010), 2_010), null, 'and back')
  t.end()
})

void t.test(
  'only the newest table, never two runs at once, not too often',
  t => {
    const begun = runBegun(tableRead(calm(), 'b', 2_000), 2_020)
    const meanwhile = tableRead(tableRead(begun, 'c', 2_025), 'd', 2_030)
    t.equal(untilRun(meanwhile, 2_060), null)
    const ended = runEnded(meanwhile, true, 2_060)
    t.equal(untilRun(ended, 2_060), 60, '100 ms from start to start')
    t.equal(runBegun(ended, 2_120).running, 'd')
    t.equal(untilRun(tableRead(ended, 'b', 2_070), 2_300), null, 'b is there')
    t.end()
  },
)

void t.test('again after a failure, ever later', t => {
  let runs = tableRead(calm(), 'b', 2_000)
  let now = 3_000
  const pauses = []
  for (let failure = 0; failure < 8; failure++) {
    runs = runEnded(runBegun(runs, now), false, now)
    const pause = untilRun(runs, now) ?? -1
    pauses.push(pause)
    now += pause
  }
  t.strictSame(
    pauses,
    [1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000],
  )
  t.equal(runs.failed?.count, 8)
  t.equal(
    untilRun(tableRead(runs, 'c', now), now + 5),
    15,
    'another table may work, so it does not wait for long',
  )
  t.equal(
    untilRun(tableRead(runs, 'a', now), now + 5),
    15,
    'the one before too: it is not known what is in effect',
  )
  runs = runEnded(runBegun(runs, now), true, now)
  t.equal(runs.failed, null)
  t.equal(untilRun(runs, now), null)
  t.end()
})

void t.test('another table after a failure waits a second at least', t => {
  const failed = runEnded(
    runBegun(tableRead(calm(), 'b', 2_000), 2_020),
    false,
    2_030,
  )
  t.equal(untilRun(tableRead(failed, 'c', 2_040), 2_060), 970)
  t.end()
})

void t.test('asked to run again', t => {
  t.equal(untilRun(askedAgain(calm()), 5_000), 0)
  const failed = runEnded(runBegun(calm(), 4_000), false, 4_010)
  t.equal(untilRun(askedAgain(failed), 4_020), 80, 'without the pause')
  t.equal(untilRun(askedAgain(noRuns), 0), null)
  t.equal(runEnded(noRuns, true, 0).done, '', 'an end without a beginning')
  t.end()
})
