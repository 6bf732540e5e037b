// Problems of the monitor itself that keep it from probing one backend. Each is
// logged once while it lasts: the log then explains a missing verdict, or the use
// of an old address.
import type { Logger } from 'pino'
import type { Backend } from '../../config/config.ts'
import { describe, type Outcome } from '../../health/outcome.ts'
import { LogOnce } from '../../system/log-once.ts'

export class LocalErrors {
  readonly #log: Logger
  readonly #logged = new LogOnce()

  constructor(log: Logger) {
    this.#log = log
  }

  /** @param lookupError why its host name cannot be resolved; null = it can */
  report(
    { name, host }: Backend,
    outcome: Outcome,
    lookupError: string | null,
  ): void {
    if (lookupError === null) {
      if (this.#logged.end('lookup'))
        this.#log.info({ backend: name }, 'host name resolves again')
    } else if (this.#logged.isNew('lookup'))
      this.#log.warn(
        { backend: name, host, err: lookupError },
        'host name cannot be resolved, using its last address',
      )
    if (outcome.kind !== 'dns' && outcome.kind !== 'dns-timeout')
      this.#logged.end('name')
    else if (this.#logged.isNew('name'))
      this.#log.warn(
        { backend: name, host, err: describe(outcome) },
        'host name cannot be resolved, backend state unchanged',
      )
    if (outcome.kind !== 'local') this.#logged.end('local')
    else if (this.#logged.isNew('local'))
      this.#log.warn(
        { backend: name, err: outcome.error },
        'the monitor itself cannot probe, backend state unchanged',
      )
  }
}
