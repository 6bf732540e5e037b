// The pages that warm up a backend, and their paths inside Zope. Pure.
import type { Pool, WarmUpPage } from './config.ts'

/**
 * The pages as visitors see them, and in the form for Zope's
 * VirtualHostMonster.
 *
 * @param name the backend; pages are fetched once for each site of its pools
 * @param paths its pages; undefined = those of each of its pools
 */
export function warmUpPages(
  pools: readonly Pick<Pool, 'members' | 'site' | 'warmUp'>[],
  name: string,
  paths: readonly string[] | undefined,
): WarmUpPage[] {
  const pages = new Map<string, WarmUpPage>()
  const own = pools.filter(({ members }) =>
    members.some(member => member.name === name),
  )
  // a backend of no pool has no site
  const sites = own.length > 0 ? own : [{ site: undefined, warmUp: undefined }]
  for (const { site, warmUp } of sites)
    for (const shown of paths ?? warmUp ?? []) {
      const path = `${site === undefined || isWrapped(shown) ? '' : prefix(site)}${shown}`
      if (!pages.has(path)) pages.set(path, { shown, path })
    }
  return [...pages.values()]
}

/** The path is already in the form for VirtualHostMonster. */
function isWrapped(path: string): boolean {
  return path.startsWith('/VirtualHostBase/')
}

function prefix({ origin, path }: NonNullable<Pool['site']>): string {
  return `/VirtualHostBase/${origin}${path}/VirtualHostRoot`
}
