// The sentinel directory itself: its names, and what is wrong with it.
import { readdirSync, statSync } from 'node:fs'
import type { Stats } from 'node:fs'
import { errorCode } from '../config/error-code.ts'
import type { DirectoryProblem } from './snapshot.ts'

/** The names in it; undefined when it cannot be read. */
export function listDirectory(
  directory: string,
  problems: DirectoryProblem[],
): string[] | undefined {
  try {
    const problem = directoryProblem(directory, statSync(directory))
    if (problem !== undefined) problems.push({ key: problem, text: problem })
    return readdirSync(directory)
  } catch (err) {
    const code = errorCode(err)
    const text = `${directory} cannot be read (${code}); ${directoryRemedy(code)}`
    problems.push({ key: text, text })
    return undefined
  }
}

/** What to do about a directory that cannot be used. */
export function directoryRemedy(code: string): string {
  switch (code) {
    case 'ENOENT':
      return 'create it, or start the monitor, which does'
    case 'ENOTDIR':
      return 'something else is in its place: move that away or set another directory'
    case 'EACCES':
    case 'EPERM':
      return `give this user (uid ${process.getuid?.() ?? '?'}) the right to it: chown or chmod a+rx`
    case 'ENOSPC':
      return 'make room on its file system'
    case 'EROFS':
      return 'its file system is read-only: set another directory'
    default:
      return 'mend that or set another directory'
  }
}

/** Why a directory cannot be trusted; undefined when it can. */
export function directoryProblem(
  directory: string,
  stats: Stats,
): string | undefined {
  const isOpen = (stats.mode & 0o002) !== 0
  const isSticky = (stats.mode & 0o1000) !== 0
  return isOpen && !isSticky
    ? `${directory} must not be writable by everybody (mode ${(stats.mode & 0o7777).toString(8)}), for anybody could then take a backend away or bring it back; type: chmod o-w ${directory}`
    : undefined
}
