// Runs the administrator's command on each change of state. Invariant: never two
// at a time for one backend, and only a few in total. Changes that happen while it
// runs are merged into one, from the last reported state to the newest.
import type { Logger } from 'pino'
import type { HookSettings } from '../../config/config.ts'
import type { State } from '../../sentinels/reports.ts'
import { runCommand, shell } from '../../system/run-command.ts'

export type HookEvent = {
  readonly backend: string
  readonly was: State
  readonly state: State
  readonly reason: string
  readonly address: string
}

const maxRunning = 4

export class Hook {
  readonly #log: Logger
  #settings: HookSettings | undefined
  readonly #waiting = new Map<string, HookEvent>()
  readonly #running = new Set<string>()

  constructor(settings: HookSettings | undefined, log: Logger) {
    this.#settings = settings
    this.#log = log
  }

  reconfigure(settings: HookSettings | undefined): void {
    this.#settings = settings
  }

  enqueue(change: HookEvent): void {
    if (this.#settings === undefined) return
    const was = this.#waiting.get(change.backend)?.was ?? change.was
    // the change reverted before it was reported
    if (was === change.state) this.#waiting.delete(change.backend)
    else this.#waiting.set(change.backend, { ...change, was })
    this.#begin()
  }

  #begin(): void {
    for (const [backend, change] of this.#waiting) {
      if (this.#running.size >= maxRunning) return
      if (this.#running.has(backend)) continue
      this.#waiting.delete(backend)
      this.#running.add(backend)
      void this.#run(change)
    }
  }

  /** Never rejects. */
  async #run(change: HookEvent): Promise<void> {
    const settings = this.#settings
    if (settings !== undefined) {
      const { command, timeoutMs } = settings
      const { backend, state, was, reason, address } = change
      const end = await runCommand(
        shell(command),
        {
          ZOPE_FAILOVER_BACKEND: backend,
          ZOPE_FAILOVER_ADDRESS: address,
          ZOPE_FAILOVER_STATE: state,
          ZOPE_FAILOVER_WAS: was,
          ZOPE_FAILOVER_REASON: reason,
        },
        timeoutMs,
      )
      const isDone = end.code === 0
      this.#log[isDone ? 'info' : 'error'](
        { backend, state, was, hook: command, ...end },
        isDone ? 'hook done' : 'hook failed',
      )
    }
    this.#running.delete(change.backend)
    this.#begin()
  }
}
