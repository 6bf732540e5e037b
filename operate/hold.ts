/** Keeps one backend out of service while it is restarted. */
export type Hold = {
  /** when it was last taken, ms since 1970; everything here has seen it by then */
  readonly sinceMs: number
  readonly isTaken: boolean
  readonly reason: string
  /** Takes the backend out of service. */
  readonly take: (reason: string) => void | Promise<void>
  readonly setReason: (reason: string) => void | Promise<void>
  /** Whether it is unchanged and has not expired. */
  readonly isOurs: () => boolean
  /** @throws if it was changed by others or has expired */
  readonly check: () => void
  /** Leaves it for an operator, without an end. */
  readonly leave: (reason: string) => void | Promise<void>
  /** Puts the backend back into service. */
  readonly release: () => void | Promise<void>
}
