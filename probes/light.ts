// The light probe of a backend, of the configured kind.
import { originOf, type Backend } from '../config/config.ts'
import { runCommand, type Command } from '../system/run-command.ts'
import { commandOutcome } from './answer.ts'
import { probeConnection } from './connection.ts'
import type { Resolver } from './resolver.ts'
import { probe, type ProbeAnswer } from './probe.ts'

/**
 * Never rejects, and ends within the limit of the whole probe.
 *
 * @param signal aborts it; the outcome then has no meaning
 * @param isHeld for a page only: the other kinds do not wait for a Zope worker
 */
export function probeLight(
  backend: Backend,
  resolver: Resolver,
  signal: AbortSignal,
  isHeld?: () => boolean,
): Promise<ProbeAnswer> {
  const { light } = backend.probe
  switch (light.kind) {
    case 'http':
      return probe(backend, resolver, signal, isHeld)
    case 'tcp':
      return probeConnection(backend, null, resolver, signal)
    case 'ask':
      return probeConnection(backend, light, resolver, signal)
    case 'command':
      return probeByCommand(backend, light.command, signal)
  }
}

async function probeByCommand(
  backend: Backend,
  command: Command,
  signal: AbortSignal,
): Promise<ProbeAnswer> {
  const { name, host, port, probe: settings } = backend
  const started = performance.now()
  const end = await runCommand(
    command,
    {
      ZOPE_FAILOVER_BACKEND: name,
      ZOPE_FAILOVER_HOST: host,
      ZOPE_FAILOVER_PORT: `${port}`,
      ZOPE_FAILOVER_URL: originOf(backend),
    },
    settings.timeoutMs,
    signal,
  )
  return {
    outcome: signal.aborted
      ? { kind: 'local', error: 'aborted' }
      : commandOutcome(end, settings.timeoutMs),
    ms: performance.now() - started,
    stages: new Map(),
    lookupError: null,
    request: null,
    response: null,
    body: Buffer.from(end.output),
  }
}
