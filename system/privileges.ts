// For what httpd starts: map and observer are root's children, and need not be
// root.

/** User and group at once, in the only order that works. */
export function become(user: string | number, group: string | number): void {
  process.setgroups?.([group])
  process.setgid?.(group)
  process.setuid?.(user)
}
