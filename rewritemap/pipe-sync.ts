// In step with httpd. A child of httpd that is killed between its question and
// its answer leaves the answer in the pipe, and from then on every question gets
// the answer to the one before. httpd's rules notice it by the nonce, and report
// `NONCE .stale OTHER`: the question NONCE was given the answer to OTHER. Leaving
// such a report without an answer takes one line out of the pipe.
//
// That is safe only when a line is certainly there, for httpd waits without a
// limit. It is certain: httpd asks one question at a time (it holds a lock until
// the answer is read), so whoever read the answer to OTHER left all later ones
// unread; since then every question has added a line and taken one, and a killed
// child only adds. Reports without an answer take one and add none: they are
// counted. Pure.

/** Stands in the pool's place; no pool's name begins so. */
export const staleReport = '.stale'

/** Questions that may pass between one and its report. */
const remembered = 1_024

export class PipeSync {
  /** nonce and omissions so far of the last lines, by their number modulo */
  readonly #nonces: (string | null)[] = Array.from(
    { length: remembered },
    () => null,
  )
  readonly #omittedThen = new Float64Array(remembered)
  #written = 0
  #omitted = 0

  /** To be called for every line that is answered. */
  answered(nonce: string | null): void {
    const slot = ++this.#written % remembered
    this.#nonces[slot] = nonce
    this.#omittedThen[slot] = this.#omitted
  }

  /**
   * Whether this report must stay without an answer. To be called once for it,
   * and `answered` after that when it is false.
   *
   * @param nonce the question
   * @param other whose answer it was given
   */
  omits(nonce: string | null, other: string | null): boolean {
    // of a request that asked twice, what proves less counts
    const question = this.#linesOf(nonce)[0]
    const answer = this.#linesOf(other).at(-1)
    if (question === undefined || answer === undefined) return false
    const omittedThen = Number(this.#omittedThen[question % remembered])
    const unread = question - answer - (this.#omitted - omittedThen)
    if (!(unread >= 1)) return false
    this.#omitted++
    return true
  }

  /** The numbers of the answers with this nonce, in their order. */
  #linesOf(nonce: string | null): number[] {
    if (nonce === null) return []
    const lines: number[] = []
    const first = Math.max(1, this.#written - remembered + 1)
    for (let line = first; line <= this.#written; line++)
      if (this.#nonces[line % remembered] === nonce) lines.push(line)
    return lines
  }
}
