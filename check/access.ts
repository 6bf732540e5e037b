// May this user access a path? Judged by the permission bits along it. Pure.
import type { System, User } from './facts.ts'

export type Need = 'read' | 'write' | 'execute' | 'search'

/** `undefined`: no obstacle, as far as can be seen. */
type Obstacle = {
  readonly path: string
  readonly kind: 'missing' | 'closed'
  /** for a sentence: `/srv/zope may not be entered by www-data (mode 700)` */
  readonly text: string
}

const bits: Readonly<Record<Need, number>> = {
  read: 4,
  write: 2,
  execute: 1,
  search: 1,
}
const verbs: Readonly<Record<Need, string>> = {
  read: 'read',
  write: 'written to',
  execute: 'executed',
  search: 'entered',
}

/** The first obstacle for the user on the way to `path`. */
export function obstacle(
  system: System,
  user: User,
  path: string,
  need: Need,
): Obstacle | undefined {
  const real = system.real(path)
  return (
    walk(system, user, path, need) ??
    (real === path ? undefined : walk(system, user, real, need))
  )
}

function walk(
  system: System,
  user: User,
  path: string,
  need: Need,
): Obstacle | undefined {
  const parts = path.split('/').filter(part => part !== '')
  for (let count = 0; count <= parts.length; count++) {
    const here = `/${parts.slice(0, count).join('/')}`
    const isLast = count === parts.length
    const what = isLast ? need : 'search'
    const fact = system.path(here)
    // the parent is closed to the user running check, but perhaps not to that user
    if (fact.kind === 'hidden') return undefined
    if (fact.kind === 'missing')
      return { path: here, kind: 'missing', text: `${here} does not exist` }
    if (!isAllowed(fact, user, what))
      return {
        path: here,
        kind: 'closed',
        text: `${here} may not be ${verbs[what]} by ${user.name} (mode ${fact.mode.toString(8)}, owner ${fact.uid}:${fact.gid})`,
      }
  }
  return undefined
}

function isAllowed(
  fact: { kind: string; mode: number; uid: number; gid: number },
  user: User,
  need: Need,
): boolean {
  // root needs only one execute bit to run a file
  if (user.uid === 0) return need !== 'execute' || (fact.mode & 0o111) !== 0
  const bit = bits[need]
  if (fact.uid === user.uid) return (fact.mode & (bit << 6)) !== 0
  if (user.gids.includes(fact.gid)) return (fact.mode & (bit << 3)) !== 0
  return (fact.mode & bit) !== 0
}
