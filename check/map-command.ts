// The command line of a map program: is it ours, with which options, and as which
// user will it run? Pure.
import type { HttpdFacts, OwnFacts, User } from './facts.ts'
import type { RewriteMapping } from './servers.ts'

/** A map program of this package, as its command line gives it. */
export type OwnMap = {
  /** undefined: `zope-failover rewritemap`, which does not name it */
  readonly node: string | undefined
  readonly main: string
  readonly config: string | undefined
  readonly directory: string | undefined
  readonly answer: string
  readonly user: string | undefined
}

/** undefined: some other program. */
export function ownMap(argv: readonly string[]): OwnMap | undefined {
  const program = argv.find(
    (word, index) =>
      word.endsWith('/rewritemap/main.js') ||
      (/(?:^|\/)(?:zope-failover|cli\/main\.js)$/.test(word) &&
        argv[index + 1] === 'rewritemap'),
  )
  if (program === undefined) return undefined
  const main = argv.indexOf(program)
  const option = (name: string): string | undefined => {
    const at = argv.indexOf(name, main)
    return at === -1
      ? argv.find(word => word.startsWith(`${name}=`))?.slice(name.length + 1)
      : argv[at + 1]
  }
  return {
    node: main > 1 ? argv[main - 1] : undefined,
    main: program,
    config: option('--config'),
    directory: option('--directory'),
    answer: option('--answer') ?? 'name',
    user: option('--user'),
  }
}

/** The file httpd starts: relative names are relative to ServerRoot. */
export function programOf(map: RewriteMapping, httpd: HttpdFacts): string {
  const [name = ''] = map.argv
  return name.startsWith('/') ? name : `${httpd.conf.serverRoot}/${name}`
}

type MapUser =
  | { readonly kind: 'user'; readonly user: User }
  | { readonly kind: 'unknown'; readonly name: string }

/** The user as which httpd starts the program. */
export function startedAs(
  map: RewriteMapping,
  { starter }: HttpdFacts,
  { system }: OwnFacts,
): MapUser {
  return map.user === undefined || starter.uid !== 0
    ? { kind: 'user', user: starter }
    : named(map.user, system)
}

/** The user it runs as: started as root, our map program drops privileges. */
export function answersAs(
  map: RewriteMapping,
  httpd: HttpdFacts,
  facts: OwnFacts,
): MapUser {
  const started = startedAs(map, httpd, facts)
  const own = ownMap(map.argv)
  if (started.kind === 'unknown' || started.user.uid !== 0 || own === undefined)
    return started
  if (own.user !== undefined) return named(own.user, facts.system)
  const directory = facts.system.path(own.directory ?? facts.config.directory)
  if (!('uid' in directory)) return started
  return {
    kind: 'user',
    user: facts.system.user(String(directory.uid)) ?? {
      name: `uid ${directory.uid}`,
      uid: directory.uid,
      gids: [directory.gid],
    },
  }
}

function named(text: string, system: OwnFacts['system']): MapUser {
  const [name = '', groupName] = text.split(':')
  const user = system.user(name)
  const group = groupName === undefined ? undefined : system.group(groupName)
  if (user === undefined || (groupName !== undefined && group === undefined))
    return { kind: 'unknown', name: text }
  // if a group is given, httpd sets only that one
  return {
    kind: 'user',
    user: group === undefined ? user : { ...user, gids: [group] },
  }
}
