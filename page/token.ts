// The token that lets somebody steer on the status page: what its file must be,
// and how a request carries it. Pure. Invariant: no message holds the token.
import { printable } from '../text/printable.ts'
import type { FileRead } from '../system/regular-file.ts'

export type TokenFile =
  | { readonly kind: 'token'; readonly token: string }
  | {
      readonly kind: 'unusable'
      /** a sentence about the file */
      readonly why: string
      /** what to type */
      readonly remedy: string
      /** to this user; another one may read it */
      readonly isClosed: boolean
    }

/** 16 random bytes as hexadecimal digits: nobody guesses them. */
const minLength = 32
const maxLength = 500
/** With the end of its line; a longer file is none. */
export const maxTokenBytes = maxLength + 2

/** The token, if its file is kept as a secret must be. */
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
      return unusable('must be a regular file and no link', make)
    case 'closed':
      return unusable(
        `cannot be read by the monitor (${read.code})`,
        `chgrp zope-failover ${file}; chmod 640 ${file}`,
      )
    case 'bytes':
      if ((read.mode & 0o027) !== 0)
        return unusable(
          `must be writable by its owner alone, readable by its group at most, got mode ${read.mode.toString(8)}`,
          make,
        )
      return tokenPattern.test(read.text) && !read.isCut
        ? { kind: 'token', token: read.text.trim() }
        : unusable(
            `must hold one token: ${minLength} to ${maxLength} characters of ASCII without spaces`,
            make,
          )
  }
}

const tokenPattern = new RegExp(`^[!-~]{${minLength},${maxLength}}\\r?\\n?$`)

/**
 * What the Authorization header carries (RFC 6750, section 2.1); undefined when
 * that is no token at all.
 */
export function bearerOf(header: string | undefined): string | undefined {
  return /^Bearer +([!-~]+) *$/i.exec(header ?? '')?.[1]
}
