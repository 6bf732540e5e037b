// Reads the number of requests in flight at a backend from mod_status. Pure.
// With `ProxyStatus On`, `?auto` has these lines for each balancer member
// (mod_proxy.c, proxy_status_hook):
//   ProxyBalancer[0]Worker[1]Name: http://10.0.0.11:8080
//   ProxyBalancer[0]Worker[1]Busy: 3
import { parseUrl } from '../text/url.ts'

/** What one httpd says about a backend. */
export type BusyCount =
  | { readonly kind: 'count'; readonly count: number }
  /** it proxies, but not to this backend */
  | { readonly kind: 'stranger' }
  /** it lists no balancer member at all */
  | { readonly kind: 'silent' }

/**
 * A backend can be a member of several balancers: their counts are added.
 *
 * @param origin scheme, host and port
 */
export function busyCountOf(text: string, origin: string): BusyCount {
  const names = new Map<string | undefined, string>()
  let count: number | undefined
  for (const [, member, field = ''] of text.matchAll(
    /^ProxyBalancer(\[\d+\]Worker\[\d+\])(Name: \S+|Busy: \d+)\r?$/gm,
  )) {
    const [key, value = ''] = field.split(': ')
    if (key === 'Name') names.set(member, originOfUrl(value))
    else if (names.get(member) === originOfUrl(origin))
      count = (count ?? 0) + Number(value)
  }
  if (count !== undefined) return { kind: 'count', count }
  return { kind: names.size === 0 ? 'silent' : 'stranger' }
}

/** httpd leaves out the default port of a scheme, as URL does. */
function originOfUrl(text: string): string {
  return parseUrl(text)?.origin ?? text
}
