// A separate process for work that must not disturb the measuring one: it takes
// orders and answers `count`.
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { checkout, type Owner } from '../../lab/processes.ts'

export type Child<Order extends object, Counts> = {
  readonly order: (order: Order) => void
  /** its count since it started, or since it was last reset */
  readonly count: () => Promise<Counts>
}

/** Resolves when it is ready; a child that ends too soon is an error. */
export async function startChild<
  Order extends { readonly kind: string },
  Counts,
>(
  owner: Owner,
  file: string,
  args: readonly string[],
): Promise<Child<Order, Counts>> {
  const child = fork(join(checkout, 'dist/bench/health', file), args, {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  })
  owner.teardown(() => child.kill('SIGKILL'))
  const ended = once(child, 'exit').then(([code]) => {
    throw new Error(`${file} ended with ${code}`)
  })
  // at the end of the run nothing waits for it
  ended.catch(() => undefined)
  await Promise.race([once(child, 'message'), ended])
  return {
    order: order => void child.send(order),
    count: async () => {
      child.send({ kind: 'count' })
      const [counts]: Counts[] = await Promise.race([
        once(child, 'message'),
        ended,
      ])
      if (counts === undefined) throw new Error('no counts')
      return counts
    },
  }
}
