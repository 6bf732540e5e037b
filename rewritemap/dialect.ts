// How a program asks for a backend and reads the answer. The loop, the choice
// and the counts are the same for all programs; only the line differs. Types
// only.
import type { TableMember } from '../choice/table.ts'

/** What a line asks. */
export type Lookup =
  | {
      readonly kind: 'lookup'
      /** null = not wanted */
      readonly nonce: string | null
      readonly pool: string
      readonly route: string | null
      readonly affinity: string | null
    }
  | { readonly kind: 'malformed'; readonly nonce: string | null }

export type Dialect = {
  /** whether an answer names the next backend as well */
  readonly namesNext: boolean
  /**
   * What the answer repeats first, to mark it as the line's own; null =
   * nothing.
   */
  readonly nonceOf: (line: string) => string | null
  /**
   * What the answer depends on besides the table and the nonce: the cache key
   * until the next table. '' = do not cache.
   */
  readonly questionOf: (line: string, nonce: string | null) => string
  readonly parse: (line: string) => Lookup
  /** The whole answer with its newline; null = this line cannot be answered. */
  readonly format: (
    line: string,
    lookup: Extract<Lookup, { kind: 'lookup' }>,
    member: TableMember,
    next: TableMember | null,
  ) => string | null
  /** No backend is usable. */
  readonly none: (nonce: string | null) => string
  /** Malformed, or for an unknown pool. */
  readonly noOpinion: (nonce: string | null) => string
  /** A bug was caught while this line was answered. */
  readonly fault: (line: string) => string
}
