import t from 'tap'
import { Telemetry } from '../../../page/telemetry.ts'
import type { TelemetryEvent } from '../../../page/telemetry.ts'

const passed: TelemetryEvent = {
  kind: 'probe',
  backend: 'zope1',
  probe: 'light',
  outcome: 'pass',
  ms: 2,
}
const fell: TelemetryEvent = {
  kind: 'transition',
  backend: 'zope1',
  was: 'up',
  state: 'down',
}

void t.test('nothing is kept where nobody drains', t => {
  const telemetry = new Telemetry()
  telemetry.note(passed)
  t.strictSame(telemetry.drain(), [])
  t.end()
})

void t.test('what came since the last time, in order, once', t => {
  const telemetry = new Telemetry()
  telemetry.drain()
  telemetry.note(passed)
  telemetry.note(fell)
  const drained = telemetry.drain()
  telemetry.note(fell)
  t.strictSame(drained, [passed, fell], 'and it is not touched any more')
  t.strictSame(telemetry.drain(), [fell])
  t.strictSame(telemetry.drain(), [])
  t.end()
})

void t.test('stopped, it keeps nothing until somebody comes again', t => {
  const telemetry = new Telemetry()
  telemetry.drain()
  telemetry.note(passed)
  telemetry.stop()
  telemetry.note(fell)
  t.strictSame(telemetry.drain(), [])
  telemetry.note(passed)
  t.strictSame(telemetry.drain(), [passed])
  t.end()
})

void t.test('what nobody comes for has a limit, and is told as lost', t => {
  const telemetry = new Telemetry()
  telemetry.drain()
  for (let i = 0; i < 20_007; i++) telemetry.note(passed)
  const drained = telemetry.drain()
  t.equal(drained.length, 20_001)
  t.strictSame(drained.at(-1), { kind: 'lost', events: 7 })
  telemetry.note(passed)
  t.strictSame(telemetry.drain(), [passed], 'once')
  t.end()
})
