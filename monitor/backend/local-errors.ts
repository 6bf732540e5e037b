// Problems of the monitor itself that keep it from probing one backend. Each is
// logged once while it lasts: the log then explains a missing verdict, or the use
// of an old address.
import type { Logger } from 'pino'
import type { Backend } from '../../config/config.ts'
import { describe } from '../../health/outcome.ts'
import type { Outcome } from '../../health/outcome.ts'

export class LocalErrors {
  readonly #log: Logger
  #isLookupLogged = false
  #isLocalLogged = false
  #isNamelessLogged = false

  constructor(log: Logger) {
    this.#log = log
  }

  /** @param lookupError why its host name cannot be resolved; null = it can */
  report(
    { name, host }: Backend,
    outcome: Outcome,
    lookupError: string | null,
  ): void {
    this.#logLookup(name, host, lookupError)
    if (
      (outcome.kind === 'dns' || outcome.kind === 'dns-timeout') &&
      !this.#isNamelessLogged
    )
      this.#log.warn(
        { backend: name, host, err: describe(outcome) },
        'host name cannot be resolved, backend state unchanged',
      )
    this.#isNamelessLogged =
      outcome.kind === 'dns' || outcome.kind === 'dns-timeout'
    const isLocal = outcome.kind === 'local'
    if (isLocal && !this.#isLocalLogged)
      this.#log.warn(
        { backend: name, err: outcome.error },
        'the monitor itself cannot probe, backend state unchanged',
      )
    this.#isLocalLogged = isLocal
  }

  #logLookup(backend: string, host: string, err: string | null): void {
    const wasLogged = this.#isLookupLogged
    this.#isLookupLogged = err !== null
    if (err !== null && !wasLogged)
      this.#log.warn(
        { backend, host, err },
        'host name cannot be resolved, using its last address',
      )
    if (err === null && wasLogged)
      this.#log.info({ backend }, 'host name resolves again')
  }
}
