// The reports of map programs in the directory: which of them are alive.
import { errorCode } from '../config/error-code.ts'
import { mapReportFiles } from '../sentinels/directory.ts'
import { meaningOf } from '../sentinels/names.ts'
import { removeFile } from '../sentinels/write.ts'

/** Takes away what map programs left that were killed. */
export function removeDeadReports(directory: string): void {
  for (const name of mapReportFiles(directory) ?? []) {
    const meaning = meaningOf(name)
    if (meaning.kind === 'map-report' && !isAlive(meaning.pid))
      removeFile(directory, name)
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
