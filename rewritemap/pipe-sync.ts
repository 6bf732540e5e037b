// Resynchronizes the pipe with httpd. An httpd child that is killed between its
// question and its answer leaves the answer in the pipe. From then on every
// question gets the answer to the previous one. httpd's rules detect this by the
// nonce and report `NONCE .stale OTHER`: the question NONCE got the answer to
// OTHER. Leaving such a report unanswered removes one line from the pipe.
//
// That is safe only if the pipe certainly holds a line, because httpd waits
// without a limit. Proof: httpd asks one question at a time (it holds a lock
// until the answer is read). So when the answer to OTHER was read, all later
// answers were still unread. Since then every question has added one line and
// removed one, and a killed child only adds. An unanswered report removes one
// and adds none: these are counted. Pure.

/** Sent in place of a pool; no pool name begins with a dot. */
export const staleReport = '.stale'

/** Questions that may pass between a question and its report. */
const remembered = 1_024

export class PipeSync {
  /** a ring of the last lines: nonce, and omissions up to that line */
  readonly #nonces: (string | null)[] = Array.from(
    { length: remembered },
    () => null,
  )
  readonly #omittedThen = new Float64Array(remembered)
  #written = 0
  #omitted = 0

  /** Call this for every line that is answered. */
  answered(nonce: string | null): void {
    const slot = ++this.#written % remembered
    this.#nonces[slot] = nonce
    this.#omittedThen[slot] = this.#omitted
  }

  /**
   * Whether this report must stay unanswered. Call it once per report; if it
   * returns false, answer and call `answered`.
   *
   * @param nonce the question
   * @param other the question whose answer it got
   */
  omits(nonce: string | null, other: string | null): boolean {
    // for a request that asked twice, use the pair that proves less
    const question = this.#linesOf(nonce)[0]
    const answer = this.#linesOf(other).at(-1)
    if (question === undefined || answer === undefined) return false
    const omittedThen = Number(this.#omittedThen[question % remembered])
    const unread = question - answer - (this.#omitted - omittedThen)
    if (!(unread >= 1)) return false
    this.#omitted++
    return true
  }

  /** The numbers of the answers with this nonce, ascending. */
  #linesOf(nonce: string | null): number[] {
    if (nonce === null) return []
    const lines: number[] = []
    const first = Math.max(1, this.#written - remembered + 1)
    for (let line = first; line <= this.#written; line++)
      if (this.#nonces[line % remembered] === nonce) lines.push(line)
    return lines
  }
}
