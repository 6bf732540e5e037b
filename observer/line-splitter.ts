// Bytes from httpd -> lines. Invariant: every byte is read at once. When the pipe
// is full, httpd's workers block in their write and stop serving. Lines that
// there is no time to parse are dropped and counted. Pure.

/** Our own lines have at most 250 characters. */
const maxLineBytes = 1_024
/** Time for parsing lines in each second; the rest is for reading. */
const budgetMs = 500
const secondMs = 1_000

export class LineSplitter {
  readonly #onLine: (line: string) => void
  readonly #now: () => number
  /** the beginning of an incomplete line */
  #rest = ''
  #restBytes = 0
  #secondMs = -Infinity
  #spentMs = 0
  lines = 0
  /** lines over the limit */
  tooLong = 0
  /** lines over the time budget */
  skipped = 0

  /**
   * @param onLine gets one line without its newline; one character per byte
   * @param now monotonic milliseconds
   */
  constructor(onLine: (line: string) => void, now: () => number) {
    this.#onLine = onLine
    this.#now = now
  }

  take(chunk: Buffer): void {
    const startMs = this.#now()
    if (startMs - this.#secondMs >= secondMs) {
      this.#secondMs = startMs
      this.#spentMs = 0
    }
    const isOverBudget = this.#spentMs >= budgetMs
    let start = 0
    for (;;) {
      const end = chunk.indexOf(0x0a, start)
      if (end === -1) break
      this.#line(chunk, start, end, isOverBudget)
      start = end + 1
    }
    this.#keep(chunk, start)
    this.#spentMs += this.#now() - startMs
  }

  #line(
    chunk: Buffer,
    start: number,
    end: number,
    isOverBudget: boolean,
  ): void {
    const rest = this.#rest
    const bytes = this.#restBytes + end - start
    this.lines++
    if (isOverBudget) this.skipped++
    else if (bytes > maxLineBytes) this.tooLong++
    else this.#onLine(rest + chunk.toString('latin1', start, end))
    this.#rest = ''
    this.#restBytes = 0
  }

  /** Beyond the limit only the length is kept. */
  #keep(chunk: Buffer, start: number): void {
    this.#restBytes += chunk.length - start
    if (this.#restBytes <= maxLineBytes)
      this.#rest += chunk.toString('latin1', start)
  }
}
