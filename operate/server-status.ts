// What mod_status tells of the requests inside a backend. Pure.
// With `ProxyStatus On`, `?auto` has these lines for each balancer member
// (mod_proxy.c, proxy_status_hook):
//   ProxyBalancer[0]Worker[1]Name: http://10.0.0.11:8080
//   ProxyBalancer[0]Worker[1]Busy: 3

/** What one httpd says of a backend. */
export type Busy =
  | { readonly kind: 'count'; readonly count: number }
  /** it proxies, but never to this one */
  | { readonly kind: 'stranger' }
  /** it tells of no balancer member at all */
  | { readonly kind: 'silent' }

/**
 * One backend is a member of several balancers; what they say is added up.
 *
 * @param origin scheme, host and port
 */
export function busyOf(text: string, origin: string): Busy {
  const names = new Map<string | undefined, string>()
  let count: number | undefined
  for (const [, member, told = ''] of text.matchAll(
    /^ProxyBalancer(\[\d+\]Worker\[\d+\])(Name: \S+|Busy: \d+)\r?$/gm,
  )) {
    const [key, value = ''] = told.split(': ')
    if (key === 'Name') names.set(member, originOfUrl(value))
    else if (names.get(member) === originOfUrl(origin))
      count = (count ?? 0) + Number(value)
  }
  if (count !== undefined) return { kind: 'count', count }
  return { kind: names.size === 0 ? 'silent' : 'stranger' }
}

/** httpd leaves out the usual port of a scheme, as URL does. */
function originOfUrl(text: string): string {
  return URL.canParse(text) ? new URL(text).origin : text
}
