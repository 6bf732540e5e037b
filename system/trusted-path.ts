// Can another user change what a path leads to? By owners and modes of each
// name on the path, links followed. Pure: the caller reads each name.

/** One name of a path, not followed when it is a link. */
export type PathNode = {
  readonly kind: 'directory' | 'link' | 'other'
  readonly uid: number
  readonly gid: number
  /** the permission bits */
  readonly mode: number
  /** of a link */
  readonly target?: string
}

/** `undefined`: it does not exist or is closed to this user. */
type LookAtPath = (path: string) => PathNode | undefined

export type WeakPoint = {
  readonly path: string
  /** for a sentence: `/srv/map belongs to uid 1000` */
  readonly text: string
}

/** The limit of Linux (ELOOP). */
const maxLinks = 40

/**
 * The first name on the way to `path` that a user other than root can change or
 * replace; undefined when there is none, as far as is visible.
 *
 * In a sticky directory (`/tmp`) others cannot replace a file of root; in a
 * sticky directory at the end of the path, others can create files.
 *
 * @param path absolute
 */
export function weakPoint(
  look: LookAtPath,
  path: string,
): WeakPoint | undefined {
  const names = path.split('/').filter(name => name !== '')
  let at = ''
  let isSticky = false
  for (let links = 0; links <= maxLinks;) {
    const here = at === '' ? '/' : at
    const node = look(here)
    if (node === undefined) return undefined
    if (node.kind === 'link') {
      if (isSticky && node.uid !== 0) return belongs(here, node)
      links++
      const target = node.target ?? ''
      names.unshift(...target.split('/').filter(name => name !== ''))
      at = target.startsWith('/') ? '' : at.slice(0, at.lastIndexOf('/'))
      isSticky = false
      continue
    }
    if (node.uid !== 0) return belongs(here, node)
    isSticky = (node.mode & 0o1000) !== 0 && node.kind === 'directory'
    const name = names.shift()
    const isOpen =
      (node.mode & 0o002) !== 0 || ((node.mode & 0o020) !== 0 && node.gid !== 0)
    if (isOpen && (name === undefined || !isSticky))
      return {
        path: here,
        text: `${here} can be written to by ${(node.mode & 0o002) === 0 ? `group ${node.gid}` : 'every user'} (mode ${node.mode.toString(8)})`,
      }
    isSticky &&= isOpen
    if (name === undefined) return undefined
    if (name === '..') at = at.slice(0, at.lastIndexOf('/'))
    else if (name !== '.') at = `${at}/${name}`
  }
  return undefined
}

function belongs(path: string, { uid }: PathNode): WeakPoint {
  return { path, text: `${path} belongs to uid ${uid}` }
}
