// Which member of etcd is asked next? The one that answered last, as long as it
// answers; one that failed comes last for a while. Pure.

/** How long a member that failed comes after the others. */
const penaltyMs = 5_000

export class Endpoints {
  readonly #urls: readonly string[]
  /** until when, by the caller's clock */
  readonly #penalties = new Map<string, number>()
  #preferred: string | undefined

  /** @param offset where to begin: machines should not all ask the same one */
  constructor(urls: readonly string[], offset = 0) {
    const at = offset % urls.length
    this.#urls = [...urls.slice(at), ...urls.slice(0, at)]
  }

  /** All of them, in the order in which to try. */
  inOrder(nowMs: number): string[] {
    const untilOf = (url: string): number => {
      const until = this.#penalties.get(url) ?? 0
      return until > nowMs ? until : 0
    }
    return this.#urls.toSorted(
      (one, other) =>
        untilOf(one) - untilOf(other) ||
        Number(other === this.#preferred) - Number(one === this.#preferred),
    )
  }

  recordFailure(url: string, nowMs: number): void {
    this.#penalties.set(url, nowMs + penaltyMs)
    if (this.#preferred === url) this.#preferred = undefined
  }

  recordAnswer(url: string): void {
    this.#penalties.delete(url)
    this.#preferred = url
  }
}
