// A host with its port, as URLs, logs and the configuration write it. Pure.

/** The host as it stands before a port: an IPv6 address in brackets. */
export function bracketed(host: string): string {
  return host.includes(':') ? `[${host}]` : host
}

/** @example hostPort('::1', 8080) // '[::1]:8080' */
export function hostPort(host: string, port: number): string {
  return `${bracketed(host)}:${port}`
}
