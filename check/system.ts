// Files and users of this machine, for the rules: every answer is a value.
import { accountOf, groupOf, groupsOf } from '../system/accounts.ts'
import { readdirSync, realpathSync, statSync } from 'node:fs'
import { execFileSync } from 'node:child_process'
import { errorCode } from '../system/error-code.ts'
import { readRegularBytes } from '../system/regular-file.ts'
import { pathNode } from '../system/path-node.ts'
import {
  weakPoint,
  type PathNode,
  type WeakPoint,
} from '../system/trusted-path.ts'
import type { PathFact, System, User } from './facts.ts'
import { globPattern, hasWildcard } from './glob.ts'
import type { Source } from './httpd-conf.ts'

export const system: System = { path, real, head, user, group: groupOf }

export const source: Source = { read: readText, list: listIncluded }

/** More than any file of httpd, systemd or the user database. */
const maxTextBytes = 16 * 1024 * 1024

/** The first of these files that a user other than root can change. */
export function weakOf(files: Iterable<string>): WeakPoint | undefined {
  // thousands of files lie in a few directories
  const seen = new Map<string, PathNode | undefined>()
  const read = (name: string): PathNode | undefined => {
    if (!seen.has(name)) seen.set(name, pathNode(name))
    return seen.get(name)
  }
  for (const file of files) {
    const weak = weakPoint(read, file)
    if (weak !== undefined) return weak
  }
  return undefined
}

/** undefined: missing, not readable for us, or not a regular file of usual size. */
export function readText(file: string): string | undefined {
  // reading a device would never end
  const read = readRegularBytes(file, maxTextBytes, 'followed')
  return read.kind === 'bytes' && !read.isCut
    ? read.bytes.toString('utf8')
    : undefined
}

/** When it was last changed, ms since 1970; undefined: unknown. */
export function modifiedMs(file: string): number | undefined {
  try {
    return statSync(file).mtimeMs
  } catch {
    // missing or not readable: ignored
    return undefined
  }
}

function path(file: string): PathFact {
  try {
    const stats = statSync(file)
    return {
      kind: stats.isFile()
        ? 'file'
        : stats.isDirectory()
          ? 'directory'
          : 'other',
      mode: stats.mode & 0o7777,
      uid: stats.uid,
      gid: stats.gid,
    }
  } catch (err) {
    return ['ENOENT', 'ENOTDIR'].includes(errorCode(err))
      ? { kind: 'missing' }
      : { kind: 'hidden' }
  }
}

function real(file: string): string {
  try {
    return realpathSync(file)
  } catch {
    // a missing file has no other name
    return file
  }
}

/** undefined: the rules report it when it matters. */
function head(file: string): string | undefined {
  const read = readRegularBytes(file, 512, 'followed')
  return read.kind === 'bytes' ? read.bytes.toString('latin1') : undefined
}

function user(name: string): User | undefined {
  const account = accountOf(name)
  return account === undefined
    ? foreignUser(name)
    : {
        name: account.name,
        uid: account.uid,
        gids: [account.gid, ...groupsOf(account.name)],
      }
}

/** An account of a directory service, which only the C library knows. */
function foreignUser(name: string): User | undefined {
  if (!/^[\w.@-]+$/.test(name) || name.startsWith('-')) return undefined
  try {
    const ask = (option: string): string =>
      execFileSync('id', [option, name], {
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'ignore'],
        timeout: 5_000,
      }).trim()
    return {
      name,
      uid: Number(ask('-u')),
      gids: ask('-G').split(' ').map(Number),
    }
  } catch {
    // no such account, or no id program
    return undefined
  }
}

function names(directory: string): string[] {
  try {
    return readdirSync(directory).sort()
  } catch {
    // no directory, or not readable for us: nothing to include
    return []
  }
}

/** A directory includes all files below it. */
function listIncluded(pattern: string): string[] {
  const paths = pattern
    .split('/')
    .filter(part => part !== '')
    .reduce<string[]>(
      (found, part) =>
        found.flatMap(at =>
          hasWildcard(part)
            ? names(at === '' ? '/' : at)
                .filter(name => globPattern(part).test(name))
                .map(name => `${at}/${name}`)
            : [`${at}/${part}`],
        ),
      [''],
    )
  return paths.flatMap(below)
}

function below(file: string): string[] {
  const { kind } = path(file)
  return kind === 'file'
    ? [file]
    : kind === 'directory'
      ? names(file).flatMap(name => below(`${file}/${name}`))
      : []
}
