// The reports of map programs and other readers in the directory, and which of
// their programs are alive.
import { reportFiles } from '../../sentinels/directory.ts'
import { isAlive } from '../../system/process.ts'
import { removeFile } from '../../sentinels/write.ts'

/** Removes the reports of programs that were killed. */
export function removeDeadReports(directory: string): void {
  for (const { name, pid } of reportFiles(directory) ?? [])
    if (!isAlive(pid)) removeFile(directory, name)
}
