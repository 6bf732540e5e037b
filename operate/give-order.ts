// An administrator's action where several machines follow one set of orders: for all of
// them, or for this machine alone.
import { frontName, type Config } from '../config/config.ts'
import { EngineError } from '../cluster/engine-error.ts'
import { endMarkerFile } from '../cluster/mirror.ts'
import { OrderClient } from '../cluster/order-client.ts'
import { parseAdminNote, type AdminNote } from '../sentinels/content.ts'
import { adminKinds, sentinelFile } from '../sentinels/names.ts'
import { readRegularFile } from '../system/regular-file.ts'
import { CommandError } from '../system/command-error.ts'
import { writeAside } from '../sentinels/write.ts'
import { applyAction } from './apply-action.ts'
import type { Action } from './action.ts'
import { withRemedy } from './with-remedy.ts'

/** `front` is set on each machine separately. */
export function isShared(
  { cluster }: Config,
  name: string,
  isHere: boolean,
): boolean {
  return cluster !== undefined && !isHere && name !== frontName
}

/**
 * Gives or ends an order for all machines.
 *
 * @returns what was done, and on which machines
 * @throws {CommandError} when it is not known to be active
 */
export async function giveOrder(
  config: Config,
  name: string,
  action: Action,
  note: AdminNote,
): Promise<string> {
  const { cluster, directory } = config
  if (cluster === undefined) return applyAction(directory, name, action, note)
  let orders: OrderClient | undefined
  try {
    orders = new OrderClient(cluster, directory)
    if (action !== 'ready') return await orders.give(name, action, note)
    const ended = await orders.end(name)
    const here = applyAction(directory, name, 'ready', note)
    return here === 'nothing was set' ? ended : `${ended}; here ${here}`
  } catch (err) {
    if (!(err instanceof EngineError)) throw err
    const outcome =
      err.kind === 'unsure'
        ? `was not confirmed: ${err.message}; it may take effect when etcd is back: see zope-failover status then`
        : `was not given: ${err.message}; nothing was changed`
    throw new CommandError(
      `${name}: ${action} ${outcome}; for this machine alone type: zope-failover ${action} ${name} --here`,
      { cause: err },
    )
  } finally {
    orders?.close()
  }
}

/**
 * `ready` for this machine alone: ends the orders of all machines here, too.
 *
 * @returns what was done
 * @throws {CommandError} with a remedy
 */
export function readyHere(
  directory: string,
  name: string,
  note: AdminNote,
): string {
  const orders = adminKinds.flatMap(kind => {
    const file = readRegularFile(
      `${directory}/${sentinelFile(name, kind)}`,
      4_096,
    )
    const order =
      file.kind === 'bytes' ? parseAdminNote(file.text).value.order : undefined
    return order !== undefined && /^[\w-]+$/.test(order) ? [order] : []
  })
  for (const order of orders)
    withRemedy(directory, endMarkerFile(order), file => {
      writeAside(directory, file, '')
    })
  const done = applyAction(directory, name, 'ready', note)
  return orders.length === 0
    ? done
    : `${done} on this machine; the order stays in effect on the others`
}
