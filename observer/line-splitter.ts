// Bytes from httpd -> lines. Invariant: every byte is read at once, for
// httpd's workers stop writing, and so stop serving, when the pipe is full.
// What there is no time to look at is dropped and counted. Pure.

/** A line of ours has 250 characters at most. */
const maxLineBytes = 1_024
/** Looking at lines may take so much of each second; the rest is for reading. */
const budgetMs = 500
const secondMs = 1_000

export class LineSplitter {
  readonly #look: (line: string) => void
  readonly #now: () => number
  /** the beginning of a line whose end has not come yet */
  #rest = ''
  #restBytes = 0
  #secondMs = -Infinity
  #spentMs = 0
  lines = 0
  /** lines over the limit */
  tooLong = 0
  /** lines nobody had time for */
  skipped = 0

  /**
   * @param look takes one line, without its newline; a byte is a character
   * @param now monotonic milliseconds
   */
  constructor(look: (line: string) => void, now: () => number) {
    this.#look = look
    this.#now = now
  }

  take(chunk: Buffer): void {
    const startMs = this.#now()
    if (startMs - this.#secondMs >= secondMs) {
      this.#secondMs = startMs
      this.#spentMs = 0
    }
    const isHurried = this.#spentMs >= budgetMs
    let start = 0
    for (;;) {
      const end = chunk.indexOf(0x0a, start)
      if (end === -1) break
      this.#line(chunk, start, end, isHurried)
      start = end + 1
    }
    this.#keep(chunk, start)
    this.#spentMs += this.#now() - startMs
  }

  #line(chunk: Buffer, start: number, end: number, isHurried: boolean): void {
    const rest = this.#rest
    const bytes = this.#restBytes + end - start
    this.lines++
    if (isHurried) this.skipped++
    else if (bytes > maxLineBytes) this.tooLong++
    else this.#look(rest + chunk.toString('latin1', start, end))
    this.#rest = ''
    this.#restBytes = 0
  }

  /** Beyond the limit only the count. */
  #keep(chunk: Buffer, start: number): void {
    this.#restBytes += chunk.length - start
    if (this.#restBytes <= maxLineBytes)
      this.#rest += chunk.toString('latin1', start)
  }
}
