// The reports of map programs and other readers in the directory: which of them are alive.
import { readdirSync } from 'node:fs'
import { meaningOf } from '../sentinels/names.ts'
import { isAlive } from '../sentinels/process.ts'
import { removeFile } from '../sentinels/write.ts'

/** Removes what programs left that were killed. */
export function removeDeadReports(directory: string): void {
  for (const name of readdirSync(directory)) {
    const meaning = meaningOf(name)
    const isReport =
      meaning.kind === 'map-report' || meaning.kind === 'reader-report'
    if (isReport && !isAlive(meaning.pid)) removeFile(directory, name)
  }
}
