// The site of a pool, in the form of `--site` and `--url`. Pure.
import type { Pool } from './config.ts'

export type SiteOptions = {
  /** as Zope shows it, not escaped: `/my site`; empty: Zope's root */
  readonly path: string
  /** what visitors type; undefined: not given */
  readonly url: string | undefined
}

/** The value of `pools.NAME.site.url` when only the path is given. */
export const noSiteUrl = 'http/localhost:80'

/** The values of the two options from the configuration. */
export function siteOptions(site: Pool['site']): SiteOptions | undefined {
  if (site === undefined) return undefined
  return {
    path: decodeURIComponent(site.path),
    url:
      site.origin === noSiteUrl ? undefined : site.origin.replace('/', '://'),
  }
}

/** Whether the percent escapes are valid UTF-8. */
export function isEncoded(text: string): boolean {
  try {
    decodeURIComponent(text)
    return true
  } catch {
    return false
  }
}
