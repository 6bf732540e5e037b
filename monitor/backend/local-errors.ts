// What keeps the monitor itself from probing one backend: told once while it lasts,
// for else nobody would learn why there is no verdict, or an old address in use.
import type { Logger } from 'pino'
import type { Backend } from '../../config/config.ts'
import { describe } from '../../health/outcome.ts'
import type { Outcome } from '../../health/outcome.ts'

export class LocalErrors {
  readonly #log: Logger
  #isLookupTold = false
  #isLocalTold = false
  #isNamelessTold = false

  constructor(log: Logger) {
    this.#log = log
  }

  /** @param lookupError why its host name cannot be looked up; null = it can */
  report(
    { name, host }: Backend,
    outcome: Outcome,
    lookupError: string | null,
  ): void {
    this.#tellLookup(name, host, lookupError)
    if (
      (outcome.kind === 'dns' || outcome.kind === 'dns-timeout') &&
      !this.#isNamelessTold
    )
      this.#log.warn(
        { backend: name, host, err: describe(outcome) },
        'host name cannot be looked up, nothing is judged by that',
      )
    this.#isNamelessTold =
      outcome.kind === 'dns' || outcome.kind === 'dns-timeout'
    const isLocal = outcome.kind === 'local'
    if (isLocal && !this.#isLocalTold)
      this.#log.warn(
        { backend: name, err: outcome.error },
        'the monitor itself cannot probe, nothing is judged by that',
      )
    this.#isLocalTold = isLocal
  }

  #tellLookup(backend: string, host: string, err: string | null): void {
    const wasTold = this.#isLookupTold
    this.#isLookupTold = err !== null
    if (err !== null && !wasTold)
      this.#log.warn(
        { backend, host, err },
        'host name cannot be looked up, using its last address',
      )
    if (err === null && wasTold)
      this.#log.info({ backend }, 'host name is looked up again')
  }
}
