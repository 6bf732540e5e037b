import t from 'tap'
import { TimedLoop } from '../../../../monitor/backend/timed-loop.ts'

/** A job whose rounds the test begins and ends. */
function stage(): {
  loop: TimedLoop
  /** resolves with the end of the next round that begins */
  next: () => Promise<(waitMs: number) => void>
  begun: () => number
} {
  let begun = 0
  let tell: ((end: (waitMs: number) => void) => void) | undefined
  const waiting: ((waitMs: number) => void)[] = []
  const loop = new TimedLoop(
    () =>
      new Promise<number>(end => {
        begun += 1
        if (tell === undefined) waiting.push(end)
        else tell(end)
        tell = undefined
      }),
  )
  return {
    loop,
    begun: () => begun,
    next: () =>
      new Promise(resolve => {
        const end = waiting.shift()
        if (end === undefined) tell = resolve
        else resolve(end)
      }),
  }
}

void t.test('a round starts after the previous one has ended', async t => {
  const { loop, next, begun } = stage()
  loop.start(0)
  const endFirst = await next()
  t.equal(loop.isRunning, true)
  loop.start(0)
  loop.start(0)
  t.equal(begun(), 1, 'nothing hurries a running round')
  endFirst(0)
  const endSecond = await next()
  t.equal(begun(), 2)
  loop.stop()
  endSecond(0)
})

void t.test('a waiting round can be hurried, not doubled', async t => {
  const { loop, next, begun } = stage()
  loop.start(3_600_000)
  loop.start(0)
  const end = await next()
  t.equal(begun(), 1)
  end(3_600_000)
  await new Promise(setImmediate)
  t.equal(loop.isRunning, false)
  loop.start(0)
  await next()
  t.equal(begun(), 2)
  loop.stop()
})

void t.test('a stopped loop starts nothing', async t => {
  const { loop, next, begun } = stage()
  loop.start(0)
  const end = await next()
  loop.stop()
  end(0)
  loop.start(0)
  await new Promise(resolve => setTimeout(resolve, 20))
  t.equal(begun(), 1)
})
