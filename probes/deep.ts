// One deep probe: a page that must read from the database.
import type { Backend, DeepProbe } from '../config/config.ts'
import type { DeepOutcome } from '../health/deep.ts'
import { deepOutcome } from './deep-answer.ts'
import { fetchPage } from './page.ts'
import type { ProbeAnswer } from './probe.ts'
import type { Resolver } from './resolver.ts'

/**
 * One deep probe.
 *
 * @param limitMs for the whole probe; the monitor sets none
 */
export async function askDeep(
  backend: Backend,
  deep: DeepProbe,
  limitMs: number,
  resolver: Resolver,
  signal: AbortSignal,
): Promise<{ readonly outcome: DeepOutcome; readonly probed: ProbeAnswer }> {
  const { path } = deep
  // the content of the answer counts, whatever its status
  const probed = await fetchPage(backend, path, limitMs, resolver, signal)
  const status = probed.response?.statusCode ?? 0
  const isAllowed = backend.probe.status.some(
    ([from, to]) => status >= from && status <= to,
  )
  const body = probed.body.toString('utf8')
  return {
    outcome: deepOutcome(probed.outcome, isAllowed, probed.ms, body),
    probed,
  }
}
