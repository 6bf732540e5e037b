// The token that allows actions on the status page: the rules for its file, and how
// a request carries it. Pure. Invariant: no message contains the token.
import { printable } from '../text/printable.ts'
import type { FileRead } from '../system/regular-file.ts'

export type TokenFile =
  | { readonly kind: 'token'; readonly token: string }
  | {
      readonly kind: 'unusable'
      /** a sentence about the file */
      readonly why: string
      /** the commands to type */
      readonly remedy: string
      /** this user may not read it; another one may */
      readonly isClosed: boolean
    }

/** 16 random bytes as hexadecimal digits: not guessable. */
const minLength = 32
const maxLength = 500
/** Including the line end; a longer file is invalid. */
export const maxTokenBytes = maxLength + 2

/** The token, if its file is kept secret. */
export function tokenIn(path: string, read: FileRead): TokenFile {
  const file = printable(path)
  const make = `install -m 640 -g zope-failover /dev/null ${file}; head -c 32 /dev/urandom | base64 > ${file}`
  const unusable = (why: string, remedy: string): TokenFile => ({
    kind: 'unusable',
    why: `${file} ${why}`,
    remedy,
    isClosed: read.kind === 'closed',
  })
  switch (read.kind) {
    case 'gone':
      return unusable('does not exist', make)
    case 'refused':
      return unusable('must be a regular file, not a link', make)
    case 'closed':
      return unusable(
        `cannot be read by the monitor (${read.code})`,
        `chgrp zope-failover ${file}; chmod 640 ${file}`,
      )
    case 'bytes':
      if ((read.mode & 0o027) !== 0)
        return unusable(
          `must be writable only by its owner and readable at most by its group, got mode ${read.mode.toString(8)}`,
          make,
        )
      return tokenPattern.test(read.text) && !read.isCut
        ? { kind: 'token', token: read.text.trim() }
        : unusable(
            `must contain one token: ${minLength} to ${maxLength} ASCII characters without spaces`,
            make,
          )
  }
}

const tokenPattern = new RegExp(`^[!-~]{${minLength},${maxLength}}\\r?\\n?$`)

/**
 * The token in the Authorization header (RFC 6750, section 2.1); undefined = it
 * contains none.
 */
export function bearerOf(header: string | undefined): string | undefined {
  return /^Bearer +([!-~]+) *$/i.exec(header ?? '')?.[1]
}
