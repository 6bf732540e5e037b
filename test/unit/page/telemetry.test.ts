import t from 'tap'
import { Telemetry, type TelemetryEvent } from '../../../page/telemetry.ts'

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
  state: 'down',
}

void t.test('nothing is kept unless it is drained', t => {
  const telemetry = new Telemetry()
  telemetry.record(passed)
  t.strictSame(telemetry.drain(), [])
  t.end()
})

void t.test('the events since the last call, in order, once', t => {
  const telemetry = new Telemetry()
  telemetry.drain()
  telemetry.record(passed)
  telemetry.record(fell)
  const drained = telemetry.drain()
  telemetry.record(fell)
  t.strictSame(drained, [passed, fell], 'and it is not touched any more')
  t.strictSame(telemetry.drain(), [fell])
  t.strictSame(telemetry.drain(), [])
  t.end()
})

void t.test('stopped, it keeps nothing until it is drained again', t => {
  const telemetry = new Telemetry()
  telemetry.drain()
  telemetry.record(passed)
  telemetry.stop()
  telemetry.record(fell)
  t.strictSame(telemetry.drain(), [])
  telemetry.record(passed)
  t.strictSame(telemetry.drain(), [passed])
  t.end()
})

void t.test('undrained events are limited and reported as lost', t => {
  const telemetry = new Telemetry()
  telemetry.drain()
  for (let i = 0; i < 20_007; i++) telemetry.record(passed)
  const drained = telemetry.drain()
  t.equal(drained.length, 20_001)
  t.strictSame(drained.at(-1), { kind: 'lost', events: 7 })
  telemetry.record(passed)
  t.strictSame(telemetry.drain(), [passed], 'once')
  t.end()
})
