// Can another user change a configuration that names commands to run? Checks
// the file and every directory above it, like sshd's StrictModes.
import { lstatSync, realpathSync, type Stats } from 'node:fs'
import { dirname, resolve } from 'node:path'
import type { Config } from './config.ts'
import type { ConfigFile } from './file.ts'

/** The keys of the configuration that run a command, if they are set. */
export function commandKeys(config: Config): string[] {
  return [
    ...(config.map === undefined || config.map.command === null
      ? []
      : ['map.command']),
    ...(config.notify?.command === undefined ? [] : ['notify.command']),
    ...(config.backends.some(({ probe }) => probe.light.kind === 'command')
      ? ['probe.command']
      : []),
  ]
}

/**
 * Why the commands of a configuration must not be run; undefined when they may:
 * it has none, or only root and this user can change it.
 *
 * @param file its path
 * @param read its text, owner and mode
 * @param as the user and group id that run the commands
 */
export function commandRefusal(
  config: Config,
  file: string,
  read: ConfigFile,
  as: { readonly uid: number; readonly gid: number },
): string | undefined {
  const keys = commandKeys(config)
  if (keys.length === 0) return undefined
  const who = otherWriters(file, read, as)
  return who === undefined
    ? undefined
    : `${file}: a configuration with ${keys.join(', ')} must be writable for root and the monitor's user (uid ${as.uid}) only, or others could run commands as that user; ${who}`
}

/** This process. */
export function self(): { uid: number; gid: number } {
  return { uid: process.geteuid?.() ?? 0, gid: process.getegid?.() ?? 0 }
}

/** The other writer and the remedy; undefined = there is none. */
function otherWriters(
  file: string,
  { owner, group, mode }: ConfigFile,
  as: { readonly uid: number; readonly gid: number },
): string | undefined {
  const path = resolve(file)
  const own = openTo(path, { uid: owner, gid: group, mode }, as)
  if (own !== undefined) return own
  // the given path, and the one that its links lead to
  const names = new Set([path, realOf(path)])
  for (const name of names)
    for (
      let below = name, above = dirname(name);
      above !== below;
      below = above, above = dirname(above)
    ) {
      const stats = statOf(above)
      if (stats === undefined || stats.isSymbolicLink()) continue
      // in a sticky directory others cannot replace a file
      const isSticky = (stats.mode & 0o1000) !== 0
      const who = openTo(
        above,
        {
          uid: stats.uid,
          gid: stats.gid,
          mode: isSticky ? stats.mode & ~0o022 : stats.mode,
        },
        as,
      )
      if (who !== undefined) return who
    }
  return undefined
}

function openTo(
  path: string,
  { uid, gid, mode }: { uid: number; gid: number; mode: number },
  as: { readonly uid: number; readonly gid: number },
): string | undefined {
  if (uid !== 0 && uid !== as.uid)
    return `${path} belongs to uid ${uid}; type: chown root ${path}`
  if ((mode & 0o002) !== 0)
    return `${path} is writable by all users; type: chmod o-w ${path}`
  // most systems give each user a private group
  if ((mode & 0o020) !== 0 && gid !== 0 && gid !== as.gid)
    return `${path} is writable by group ${gid}; type: chmod g-w ${path}`
  return undefined
}

function statOf(path: string): Stats | undefined {
  try {
    return lstatSync(path)
  } catch {
    // closed to us, so it is not part of the path
    return undefined
  }
}

function realOf(path: string): string {
  try {
    return realpathSync(path)
  } catch {
    // gone since it was read
    return path
  }
}
