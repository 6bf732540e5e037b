// What an operator decides after a loss: orders that etcd lost, machines that are gone.
import type { ClusterSettings, Config } from '../config/config.ts'
import { effectText } from '../cluster/effect.ts'
import { EngineError } from '../cluster/engine-error.ts'
import { formatOrder } from '../cluster/keys.ts'
import { clusterReport, OrderClient } from '../cluster/order-client.ts'
import { adminKinds } from '../sentinels/names.ts'
import { CommandError } from '../system/command-error.ts'
import { suggestion } from '../text/suggest.ts'
import { describeValue } from '../text/describe.ts'

/**
 * Writes the orders that etcd has lost to etcd again, as this machine keeps them; an order
 * that was given since is not replaced.
 *
 * @returns a line for each
 * @throws {CommandError}
 */
export function adoptOrders(
  { directory }: Config,
  settings: ClusterSettings,
): Promise<string[]> {
  return withOrders(settings, directory, async orders => {
    const lost = Object.entries(clusterReport(directory)?.orders ?? {}).filter(
      ([, { isLost }]) => isLost,
    )
    if (lost.length === 0) return ['no order was lost']
    const lines: string[] = []
    for (const [file, { id, by, from, reason, until }] of lost) {
      const kind = adminKinds.find(one => file.endsWith(`.${one}`))
      if (kind === undefined) continue
      const backend = file.slice(0, file.lastIndexOf('.'))
      const key = orders.keys.order(backend, kind)
      const now = Date.now()
      const value = formatOrder({
        id,
        by,
        // the report has its end by the clock of this machine
        from: until === null ? from : orders.machine,
        reason,
        written: now,
        until: until === null ? null : Date.parse(until),
        renewed: null,
        isEnded: false,
      })
      const put = await orders.engine.transaction(
        [{ key, is: 'absent' }],
        [{ put: key, value }],
      )
      const effect = await orders.waitForEffect(backend, put.header.revision)
      lines.push(
        put.isDone
          ? `${backend}: ${effectText(kind, { ...effect, own: [] })}`
          : `${backend}: ${kind} was given again since`,
      )
    }
    return lines
  })
}

/**
 * Forgets a machine: orders and restarts no longer wait for it.
 *
 * @returns what was done
 * @throws {CommandError} while it is live, or when there is none
 */
export function forgetMachine(
  { directory }: Config,
  settings: ClusterSettings,
  name: string,
): Promise<string[]> {
  return withOrders(settings, directory, async orders => {
    const machines = await orders.machines()
    if (!machines.has(name))
      throw new CommandError(
        `the machine must be one of the cluster, got ${describeValue(name)}${suggestion(name, [...machines.keys()])}`,
      )
    if (machines.get(name) !== undefined)
      throw new CommandError(
        `${name} must be away, but its monitor runs; stop it first, or remove the key "cluster" from its configuration`,
      )
    await orders.engine.transaction([], [{ remove: orders.keys.member(name) }])
    return [`${name}: forgotten`]
  })
}

async function withOrders<Value>(
  settings: ClusterSettings,
  directory: string,
  act: (orders: OrderClient) => Promise<Value>,
): Promise<Value> {
  let orders: OrderClient | undefined
  try {
    orders = new OrderClient(settings, directory)
    return await act(orders)
  } catch (err) {
    if (err instanceof EngineError)
      throw new CommandError(err.message, { cause: err })
    throw err
  } finally {
    orders?.close()
  }
}
