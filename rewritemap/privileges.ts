// httpd starts its map programs as root unless RewriteMap names a user (third
// argument), and even then leaves them root's supplementary groups. A map
// program needs none of that.
import { accountOf } from '../system/accounts.ts'
import { statSync } from 'node:fs'
import { ConfigError } from '../config/problem.ts'
import { become } from '../system/privileges.ts'

/**
 * Becomes `user` (`NAME` or `NAME:GROUP`) when running as root; without one,
 * the owner of the directory. Nothing happens when not root.
 *
 * @returns what could not be done, as sentences; the map program runs anyway
 * @throws {ConfigError} when `user` is given but cannot be used: better no map
 *   program than one that runs as root against the configuration
 */
export function dropPrivileges(
  directory: string | undefined,
  user: string | undefined,
): string[] {
  if (process.geteuid?.() !== 0) return []
  if (user !== undefined) {
    const [name = '', group] = user.split(':')
    try {
      become(
        numeric(name),
        group === undefined ? primaryGroup(name) : numeric(group),
      )
    } catch (err) {
      throw new ConfigError([
        `--user must name a user of this system, or be USER:GROUP, got "${user}" (${err instanceof Error ? err.message : String(err)})`,
      ])
    }
    return []
  }
  const owner = directory === undefined ? undefined : ownerOf(directory)
  if (owner === undefined || owner.uid === 0)
    return [
      `the map program runs as root because ${directory} ${owner === undefined ? 'does not exist yet' : 'belongs to root'}; name a user in RewriteMap or with --user`,
    ]
  become(owner.uid, owner.gid)
  return []
}

function numeric(text: string): string | number {
  return /^\d+$/.test(text) ? Number(text) : text
}

function primaryGroup(user: string): number {
  const account = accountOf(user)
  if (account === undefined)
    throw new Error('not in /etc/passwd, so its group is unknown')
  return account.gid
}

function ownerOf(directory: string): { uid: number; gid: number } | undefined {
  try {
    return statSync(directory)
  } catch {
    // it does not exist yet, so it has no owner
    return undefined
  }
}
