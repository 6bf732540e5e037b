// The users and groups of this machine, as its files list them.
import { readRegularBytes } from './regular-file.ts'

export type Account = {
  readonly name: string
  readonly uid: number
  /** its primary group */
  readonly gid: number
}

/** @param user a name or a number; undefined when /etc/passwd does not list it */
export function accountOf(user: string): Account | undefined {
  const entry = tableOf('/etc/passwd').find(
    ([name, , uid]) => name === user || uid === user,
  )
  return (
    entry && {
      name: entry[0] ?? '',
      uid: Number(entry[2]),
      gid: Number(entry[3]),
    }
  )
}

/** @param group a name or a number; undefined when /etc/group does not list it */
export function groupOf(group: string): number | undefined {
  const entry = tableOf('/etc/group').find(
    ([name, , gid]) => name === group || gid === group,
  )
  return entry && Number(entry[2])
}

/** The groups that list the user, without its primary one. */
export function groupsOf(name: string): number[] {
  return tableOf('/etc/group')
    .filter(([, , , members]) => members?.split(',').includes(name))
    .map(([, , gid]) => Number(gid))
}

/** A few thousand accounts. */
const maxBytes = 4 * 1024 * 1024

function tableOf(file: string): string[][] {
  const read = readRegularBytes(file, maxBytes, 'followed')
  const text = read.kind === 'bytes' ? read.bytes.toString('utf8') : ''
  return text
    .split('\n')
    .filter(line => line.includes(':'))
    .map(line => line.split(':'))
}
