// Writes and removes the administrator's files.
import {
  formatAdminNote,
  parseAdminNote,
  type AdminNote,
} from '../sentinels/content.ts'
import { adminKinds, sentinelFile } from '../sentinels/names.ts'
import { removeFile, writeAside } from '../sentinels/write.ts'
import { withRemedy } from './with-remedy.ts'
import type { Action } from './action.ts'

/**
 * @param name a backend of the configuration
 * @param note the content of the file; unused for `ready`
 * @returns what was done, in a few words
 * @throws {CommandError} with a remedy
 */
export function applyAction(
  directory: string,
  name: string,
  action: Action,
  note: AdminNote,
): string {
  if (action === 'ready') {
    const removed = adminKinds.filter(kind => {
      let isRemoved = false
      withRemedy(directory, sentinelFile(name, kind), file => {
        isRemoved = removeFile(directory, file)
      })
      return isRemoved
    })
    return removed.length === 0
      ? 'nothing was set'
      : `no longer ${removed.join(', ')}`
  }
  const text = formatAdminNote(note)
  withRemedy(directory, sentinelFile(name, action), file => {
    writeAside(directory, file, text)
  })
  // rounded, as a reader of the file sees it
  const { until } = parseAdminNote(text).value
  return until === null
    ? action
    : `${action} until ${new Date(until).toISOString()}`
}
