// Drops root: httpd starts the map program and the observer as root, and they do
// not need it.

/** Sets groups, group and user, in the only order that works. */
export function become(user: string | number, group: string | number): void {
  process.setgroups?.([group])
  process.setgid?.(group)
  process.setuid?.(user)
}
