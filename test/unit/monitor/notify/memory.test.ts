import t from 'tap'
import { decide, emptyLedger } from '../../../../monitor/notify/decide.ts'
import type { Fact } from '../../../../monitor/notify/fact.ts'
import {
  emptyMemory,
  memoryText,
  parseMemory,
  type Memory,
} from '../../../../monitor/notify/memory.ts'
import { added, emptyQueue } from '../../../../monitor/notify/queue.ts'

const down: Fact = {
  what: 'backend',
  name: 'zope1',
  state: 'down',
  severity: 'critical',
  reason: 'refused',
  since: '2026-11-23T00:00:00.000Z',
}
const rules = {
  minSeverity: 'warning',
  groupWaitMs: 0,
  warningAfterMs: 0,
  repeatIntervalMs: 0,
  limit: { count: 6, perMs: 60_000 },
} as const

void t.test('the next monitor knows what this one knew', t => {
  const { ledger, notice } = decide(emptyLedger, [down], rules, 'h', 5)
  if (notice === undefined) throw new Error('a notice was due')
  const memory: Memory = {
    ledger,
    queues: { webhook: added(emptyQueue, notice), command: emptyQueue },
  }
  t.strictSame(parseMemory(memoryText(memory) ?? ''), memory)
  const arrived = { ...memory, queues: emptyMemory.queues }
  t.strictSame(parseMemory(memoryText(arrived) ?? ''), arrived)
  t.equal(memoryText({ ...arrived, ledger: emptyLedger }), undefined)
  t.type(
    memoryText({ ...memory, ledger: emptyLedger }),
    'string',
    'well again, not delivered yet',
  )
  t.end()
})

void t.test('an invalid memory is treated as empty', t => {
  for (const text of ['', 'x', '{}', '[]', '{"version":1,"told":5}'])
    t.strictSame(parseMemory(text), emptyMemory, text)
  t.end()
})
