import { lstatSync, readlinkSync } from 'node:fs'
import type { PathNode } from './trusted-path.ts'

/**
 * One name of a path; undefined: it does not exist or is closed to this user.
 */
export function pathNode(path: string): PathNode | undefined {
  try {
    const stats = lstatSync(path)
    return {
      kind: stats.isDirectory()
        ? 'directory'
        : stats.isSymbolicLink()
          ? 'link'
          : 'other',
      uid: stats.uid,
      gid: stats.gid,
      mode: stats.mode & 0o7777,
      ...(stats.isSymbolicLink() && { target: readlinkSync(path) }),
    }
  } catch {
    // the caller continues and gets the same error
    return undefined
  }
}
