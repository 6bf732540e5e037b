// Problems of the monitor itself that keep it from probing one backend. Each is
// logged once while it lasts: the log then explains a missing verdict, or the use
// of an old address.
import type { Logger } from 'pino'
import type { Backend } from '../../config/config.ts'
import { describe, type Outcome } from '../../health/outcome.ts'
import type { LogOnce } from '../../system/log-once.ts'

/**
 * @param lookupError why its host name cannot be resolved; null = it can
 * @param logged which of these problems are in the log, for this backend
 */
export function logLocalErrors(
  { name, host }: Backend,
  outcome: Outcome,
  lookupError: string | null,
  logged: LogOnce,
  log: Logger,
): void {
  if (lookupError === null) {
    if (logged.end('lookup'))
      log.info({ backend: name }, 'host name resolves again')
  } else if (logged.isNew('lookup'))
    log.warn(
      { backend: name, host, err: lookupError },
      'host name cannot be resolved, using its last address',
    )
  if (outcome.kind !== 'dns' && outcome.kind !== 'dns-timeout')
    logged.end('name')
  else if (logged.isNew('name'))
    log.warn(
      { backend: name, host, err: describe(outcome) },
      'host name cannot be resolved, backend state unchanged',
    )
  if (outcome.kind !== 'local') logged.end('local')
  else if (logged.isNew('local'))
    log.warn(
      { backend: name, err: outcome.error },
      'the monitor itself cannot probe, backend state unchanged',
    )
}
