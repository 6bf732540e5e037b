import { pino } from 'pino'
import t from 'tap'
import type { Outcome } from '../../../../health/outcome.ts'
import { logLocalErrors } from '../../../../monitor/backend/local-errors.ts'
import { LogOnce } from '../../../../system/log-once.ts'
import { backendOf } from '../../../../lab/probed-backend.ts'

const backend = backendOf('http://zope.example:8080', {})
const refused: Outcome = { kind: 'refused' }

/** The log lines after each of these probes. */
function toldOf(
  ...probes: readonly (readonly [Outcome, string | null])[]
): unknown[] {
  const lines: unknown[] = []
  const write = (line: string): void => {
    const { level, msg, backend, host, err } = JSON.parse(line)
    lines.push([level, msg, backend, host, err])
  }
  const [log, logged] = [pino({}, { write }), new LogOnce()]
  for (const [outcome, error] of probes)
    logLocalErrors(backend, outcome, error, logged, log)
  return lines
}

void t.test('a name that cannot be resolved: logged once, and its end', t => {
  const silent = 'host name cannot be resolved, using its last address'
  const bad = [40, silent, 'zope1', 'zope.example', 'EAI_AGAIN']
  t.strictSame(
    toldOf(
      [refused, null],
      [refused, 'EAI_AGAIN'],
      [refused, 'EAI_AGAIN'],
      [refused, null],
      [refused, 'EAI_AGAIN'],
    ),
    [bad, [30, 'host name resolves again', 'zope1', undefined, undefined], bad],
  )
  t.end()
})

void t.test('a probe that cannot start: logged once while it lasts', t => {
  const local: Outcome = { kind: 'local', error: 'EMFILE' }
  const cannot = 'the monitor itself cannot probe, backend state unchanged'
  const expected = [40, cannot, 'zope1', undefined, 'EMFILE']
  t.strictSame(
    toldOf([local, null], [local, null], [refused, null], [local, null]),
    [expected, expected],
  )
  t.end()
})
