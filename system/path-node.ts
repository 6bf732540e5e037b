import { lstatSync, readlinkSync } from 'node:fs'
import type { PathNode } from './trusted-path.ts'

/** One name as it is there; undefined: it is not, or this user may not look. */
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
    // the caller goes on and meets the same obstacle
    return undefined
  }
}
