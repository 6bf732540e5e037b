// Answers what `restart` on any machine asks about a backend, as often as the answer
// changes, until the question is gone.
import { setTimeout as sleep } from 'node:timers/promises'
import type { Connection } from './connection.ts'
import { parseAsk, type Answer, type Ask } from './keys.ts'
import type { KeyValue } from './view.ts'

const repeatMs = 200

/** @param sinceMs when the question came, in ms since 1970 */
export type AnswerAsk = (
  backend: string,
  ask: Ask,
  sinceMs: number,
) => Promise<Omit<Answer, 'id' | 'step'>>

export class RestartAnswers {
  readonly #connection: Connection
  readonly #answer: AnswerAsk
  readonly #lease: () => string | undefined
  /** the current question about each backend */
  readonly #asks = new Map<string, AbortController>()

  /** @param lease an answer ends with it */
  constructor(
    connection: Connection,
    answer: AnswerAsk,
    lease: () => string | undefined,
  ) {
    this.#connection = connection
    this.#answer = answer
    this.#lease = lease
  }

  /** etcd has another question about a backend, or none. */
  onAsk(backend: string, found: KeyValue | undefined): void {
    this.#asks.get(backend)?.abort()
    this.#asks.delete(backend)
    const ask = found && parseAsk(found.value)
    if (ask === undefined || this.#connection.signal.aborted) return
    const controller = new AbortController()
    this.#asks.set(backend, controller)
    void this.#answerUntil(controller.signal, backend, ask)
  }

  stop(): void {
    for (const ask of this.#asks.values()) ask.abort()
  }

  /** Never rejects. */
  async #answerUntil(
    signal: AbortSignal,
    backend: string,
    ask: Ask,
  ): Promise<void> {
    const { keys, machine } = this.#connection
    const key = keys.answer(backend, machine)
    const sinceMs = Date.now()
    let lastValue = ''
    while (!signal.aborted) {
      try {
        const answer = await this.#answer(backend, ask, sinceMs)
        const value = JSON.stringify({ id: ask.id, step: ask.step, ...answer })
        if (signal.aborted) return
        const { engine } = this.#connection
        if (value !== lastValue && engine !== undefined) {
          const lease = this.#lease()
          await engine.transaction(
            [],
            [{ put: key, value, ...(lease !== undefined && { lease }) }],
          )
          lastValue = value
        }
      } catch (err) {
        this.#connection.recordError(err)
      }
      await sleep(repeatMs, undefined, { signal, ref: false }).catch(() => {
        // the question is gone
      })
    }
  }
}
