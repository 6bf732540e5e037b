import { userInfo } from 'node:os'

/** The user who runs the command; in a container a user may have no name. */
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
