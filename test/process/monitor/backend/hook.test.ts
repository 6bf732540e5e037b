import { existsSync, rmSync, writeFileSync } from 'node:fs'
import { pino } from 'pino'
import t from 'tap'
import { Hook } from '../../../../monitor/backend/hook.ts'
import type { HookEvent } from '../../../../monitor/backend/hook.ts'
import { publicDirectory, textOf, until } from '../../../fixtures/processes.ts'

const log = pino({ level: 'silent' })
const change = (
  backend: string,
  was: HookEvent['was'],
  state: HookEvent['state'],
): HookEvent => ({ backend, was, state, reason: 'why; "so"', address: 'h:1' })

void t.test('the hook runs for each change, never two at a time', async t => {
  const directory = publicDirectory(t)
  const told = `${directory}/told`
  const gate = `${directory}/gate`
  writeFileSync(gate, '')
  const command = [
    `if [ -e ${directory}/running-$ZOPE_FAILOVER_BACKEND ]; then echo TWICE >>${told}; fi`,
    `: >${directory}/running-$ZOPE_FAILOVER_BACKEND`,
    `while [ -e ${gate} ]; do sleep 0.01; done`,
    `echo "$ZOPE_FAILOVER_BACKEND $ZOPE_FAILOVER_ADDRESS $ZOPE_FAILOVER_WAS $ZOPE_FAILOVER_STATE $ZOPE_FAILOVER_REASON" >>${told}`,
    `rm ${directory}/running-$ZOPE_FAILOVER_BACKEND`,
  ].join('\n')
  const hook = new Hook({ command, timeoutMs: 60_000 }, log)
  hook.enqueue(change('a', 'up', 'slow'))
  hook.enqueue(change('b', 'up', 'down'))
  await until('both to run', () =>
    ['a', 'b'].every(name => existsSync(`${directory}/running-${name}`)),
  )
  hook.enqueue(change('a', 'slow', 'down'))
  hook.enqueue(change('a', 'down', 'up'))
  hook.enqueue(change('b', 'down', 'up'))
  hook.enqueue(change('b', 'up', 'down'))
  rmSync(gate)
  const lines = await until('three lines', () => {
    const all = textOf(told)?.split('\n')
    return all?.length === 4 && all
  })
  t.same(lines.toSorted(), [
    '',
    'a h:1 slow up why; "so"',
    'a h:1 up slow why; "so"',
    'b h:1 up down why; "so"',
  ])
})

void t.test('none is configured', t => {
  const hook = new Hook(undefined, log)
  hook.enqueue(change('a', 'up', 'slow'))
  hook.reconfigure({ command: 'true', timeoutMs: 1_000 })
  t.end()
})
