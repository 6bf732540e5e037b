// The reports of map programs in the directory: which of them are alive.
import { mapReportFiles } from '../sentinels/directory.ts'
import { meaningOf } from '../sentinels/names.ts'
import { isAlive } from '../sentinels/process.ts'
import { removeFile } from '../sentinels/write.ts'

/** Takes away what map programs left that were killed. */
export function removeDeadReports(directory: string): void {
  for (const name of mapReportFiles(directory) ?? []) {
    const meaning = meaningOf(name)
    if (meaning.kind === 'map-report' && !isAlive(meaning.pid))
      removeFile(directory, name)
  }
}
