// Where the site of a pool is, as `--site` and `--url` say it. Pure.
import type { Pool } from './config.ts'

export type SiteOptions = {
  /** as Zope shows it, not escaped: `/my site`; empty: Zope's root */
  readonly path: string
  /** what visitors type; undefined: not given */
  readonly url: string | undefined
}

/** What `pools.NAME.site.url` is when only the path is given. */
export const noSiteUrl = 'http/localhost:80'

/** What the configuration says in place of the two options. */
export function siteOptions(site: Pool['site']): SiteOptions | undefined {
  if (site === undefined) return undefined
  return {
    path: decodeURIComponent(site.path),
    url:
      site.origin === noSiteUrl ? undefined : site.origin.replace('/', '://'),
  }
}

/** Whether percent escapes and UTF-8 are as they must be in a URL. */
export function isEncoded(text: string): boolean {
  try {
    decodeURIComponent(text)
    return true
  } catch {
    return false
  }
}
