// The faults, injected into two real Zopes or the product in front of them.
import { setTimeout as pause } from 'node:timers/promises'
import { until } from '../../lab/processes.ts'
import { ask } from '../../lab/zope-client.ts'
import type { Zope } from '../../lab/zope.ts'
import type { Running } from './products.ts'
import type { FaultKind } from './report.ts'

type Scene = {
  /** gets every new visitor while it can serve */
  readonly primary: Zope
  readonly standby: Zope
  readonly product: Running
  /** all lengths are multiplied by this */
  readonly scale: number
  /** for the trace */
  readonly note: (text: string) => void
}

/** Resolves when the fault is over: every Zope can answer again. */
export async function inflict(kind: FaultKind, scene: Scene): Promise<void> {
  const { primary, standby, product, scale, note } = scene
  const wait = (ms: number): Promise<void> => pause(ms * scale)
  const kill = async (zope: Zope, signal?: NodeJS.Signals): Promise<void> => {
    await zope.kill(signal)
    note(`${zope.name} is gone`)
  }
  const start = async (...zopes: readonly Zope[]): Promise<void> => {
    for (const zope of zopes) zope.launch()
    await Promise.race(zopes.map(isGood))
    note(`${zopes.map(({ name }) => name).join(' or ')} answers again`)
  }
  const freeze = async (ms: number): Promise<void> => {
    primary.freeze()
    note('frozen')
    await wait(ms)
    primary.thaw()
    note('thawed')
  }
  switch (kind) {
    case 'none':
      return wait(3_000)
    case 'killed':
      await kill(primary)
      await wait(4_000)
      return start(primary)
    case 'frozen-5s':
      return freeze(5_000)
    case 'frozen-20s':
      return freeze(20_000)
    case 'stopped':
      await product.takeOut()
      note('taken out')
      await wait(1_000)
      // like waitress, which exits without cutting off requests in flight
      await kill(primary, 'SIGINT')
      await wait(2_000)
      await start(primary)
      await product.putBack()
      return note('put back')
    case 'busy': {
      const { answers } = await primary.occupy('slow', 4, 6 * scale)
      note('every worker is busy')
      await Promise.race(answers)
      return note('a worker is free')
    }
    case 'reloads':
      for (let count = 0; count < 6; count++) {
        if (count > 0) await wait(2_000)
        note('reload')
        await product.reload()
      }
      return
    case 'flapping':
      for (let count = 0; count < 4; count++) {
        await kill(primary)
        await wait(500)
        await start(primary)
        await wait(1_500)
      }
      return
    case 'both-dead':
      await Promise.all([kill(primary), kill(standby)])
      await wait(3_000)
      return start(primary, standby)
  }
}

/** After any fault: both run and answer. */
export async function restore(zopes: readonly Zope[]): Promise<void> {
  await Promise.all(
    zopes.map(zope => {
      if (zope.isGone()) zope.launch()
      zope.thaw()
      return isGood(zope)
    }),
  )
}

function isGood(zope: Zope): Promise<unknown> {
  return until(`${zope.name} is good`, async () => {
    // connections are refused until it listens
    const answer = await ask(zope.url).catch(() => undefined)
    return answer?.status === 200
  })
}
