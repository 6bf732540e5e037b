import { userInfo } from 'node:os'

/** Who gives the order; in a container a user need not have a name. */
export function operator(): string {
  const sudoer = process.env['SUDO_USER']
  if (sudoer) return sudoer
  try {
    return userInfo().username
  } catch {
    // no entry for this uid
    return `uid ${process.getuid?.() ?? '?'}`
  }
}
