// Who else may change a file that says which commands are run, and as whom. As
// sshd does it (StrictModes): the file, and every directory on the way to it.
import { lstatSync, realpathSync } from 'node:fs'
import type { Stats } from 'node:fs'
import { dirname, resolve } from 'node:path'
import type { Config } from './config.ts'
import type { ConfigFile } from './file.ts'

/** The keys of the configuration that have a command run, as far as they are set. */
export function commandKeys(config: Config): string[] {
  return [
    ...(config.hook === undefined ? [] : ['hook.command']),
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
 * Why a configuration must not be used to run its commands; undefined
 * when it may: it has none, or nobody but root and this user may change it.
 *
 * @param file its path
 * @param read what is there
 * @param as who runs the commands: user and group id
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

/** Who it is, and what to type; undefined = nobody. */
function otherWriters(
  file: string,
  { owner, group, mode }: ConfigFile,
  as: { readonly uid: number; readonly gid: number },
): string | undefined {
  const path = resolve(file)
  const own = openTo(path, { uid: owner, gid: group, mode }, as)
  if (own !== undefined) return own
  // by the name that is given, and by the one it leads to
  const names = new Set([path, realOf(path)])
  for (const name of names)
    for (
      let below = name, above = dirname(name);
      above !== below;
      below = above, above = dirname(above)
    ) {
      const stats = statOf(above)
      if (stats === undefined || stats.isSymbolicLink()) continue
      // a sticky directory keeps what is in it from being exchanged by others
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
  // a group of its own is what most systems give a user
  if ((mode & 0o020) !== 0 && gid !== 0 && gid !== as.gid)
    return `${path} is writable by group ${gid}; type: chmod g-w ${path}`
  return undefined
}

function statOf(path: string): Stats | undefined {
  try {
    return lstatSync(path)
  } catch {
    // closed to us, so it was not on the way
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
