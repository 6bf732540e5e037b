// The reports of map programs and other readers in the directory: which of them are alive.
import { readdirSync } from 'node:fs'
import { errorCode } from '../config/error-code.ts'
import { meaningOf } from '../sentinels/names.ts'
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

/** Whether a process of that id exists, whoever owns it. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (err) {
    return errorCode(err) === 'EPERM'
  }
}
