// The token that allows actions on the status page: the rules for its file, and how
// a request carries it. Pure. Invariant: no message contains the token.
import type { FileRead } from '../system/regular-file.ts'
import { secretIn, type SecretFile } from '../system/secret-file.ts'

export type TokenFile =
  | { readonly kind: 'token'; readonly token: string }
  | Exclude<SecretFile, { kind: 'secret' }>

/** 16 random bytes as hexadecimal digits: not guessable. */
const minLength = 32
const maxLength = 500
/** Including the line end; a longer file is invalid. */
export const maxTokenBytes = maxLength + 2

/** The token, if its file is kept secret. */
export function tokenIn(path: string, read: FileRead): TokenFile {
  const found = secretIn(
    path,
    read,
    {
      pattern: tokenPattern,
      rule: `one token: ${minLength} to ${maxLength} ASCII characters without spaces`,
    },
    file => `head -c 32 /dev/urandom | base64 > ${file}`,
  )
  return found.kind === 'secret'
    ? { kind: 'token', token: found.secret }
    : found
}

const tokenPattern = new RegExp(`^[!-~]{${minLength},${maxLength}}\\r?\\n?$`)

/**
 * The token in the Authorization header (RFC 6750, section 2.1); undefined = it
 * contains none.
 */
export function bearerOf(header: string | undefined): string | undefined {
  return /^Bearer +([!-~]+) *$/i.exec(header ?? '')?.[1]
}
