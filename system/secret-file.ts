// A file that holds one secret: who may read it, and what it must contain. Pure.
// Invariant: no message contains the secret.
import { printable } from '../text/printable.ts'
import type { FileRead } from './regular-file.ts'

export type SecretFile =
  | { readonly kind: 'secret'; readonly secret: string }
  | {
      readonly kind: 'unusable'
      /** a sentence about the file */
      readonly why: string
      /** the commands to type */
      readonly remedy: string
      /** this user may not read it; another one may */
      readonly isClosed: boolean
    }

/**
 * The secret, if its file is closed to other users.
 *
 * @param content what it must contain, and that in words
 * @param make the shell command that fills the file, which is `$file`
 */
export function secretIn(
  path: string,
  read: FileRead,
  content: { readonly pattern: RegExp; readonly rule: string },
  make: (file: string) => string,
): SecretFile {
  const file = printable(path)
  const remake = `install -m 640 -g zope-failover /dev/null ${file}; ${make(file)}`
  const unusable = (why: string, remedy: string): SecretFile => ({
    kind: 'unusable',
    why: `${file} ${why}`,
    remedy,
    isClosed: read.kind === 'closed',
  })
  switch (read.kind) {
    case 'gone':
      return unusable('does not exist', remake)
    case 'refused':
      return unusable('must be a regular file, not a link', remake)
    case 'closed':
      return unusable(
        `cannot be read by the monitor (${read.code})`,
        `chgrp zope-failover ${file}; chmod 640 ${file}`,
      )
    case 'bytes':
      if ((read.mode & 0o027) !== 0)
        return unusable(
          `must be writable only by its owner and readable at most by its group, got mode ${read.mode.toString(8)}`,
          remake,
        )
      return content.pattern.test(read.text) && !read.isCut
        ? { kind: 'secret', secret: read.text.trim() }
        : unusable(`must contain ${content.rule}`, remake)
  }
}
