// A backend whose machine is gone: nothing comes from there, no reset, no ARP. In
// network namespaces of the test's own, with the real monitor and a real waitress.
import { writeFileSync } from 'node:fs'
import t from 'tap'
import {
  checkout,
  dist,
  jsonLines,
  publicDirectory,
  startProgram,
  textOf,
  until,
} from '../../../lab/processes.ts'
import { passes } from '../../../lab/watched-zope.ts'

void t.test('frozen or down until there is a sign of life', async t => {
  const root = publicDirectory(t)
  const config = `${root}/zope-failover.yaml`
  writeFileSync(
    config,
    JSON.stringify({
      directory: `${root}/run`,
      backends: { zope1: 'http://10.99.0.2:8080' },
      probe: { slowStart: '0s', damping: false },
    }),
  )
  const machine = startProgram(
    t,
    'unshare',
    [
      '--net',
      '--pid',
      '--fork',
      '--kill-child',
      '--mount-proc',
      'sh',
      `${checkout}/test/system/servers/gone-machine.sh`,
      `${checkout}/.venv/servers/bin/python`,
      `${checkout}/test/system/servers/app.py`,
      process.execPath,
      `${dist}/cli/main.js`,
      config,
    ],
    'pipe',
  )
  const isThere = (): boolean => textOf(`${root}/run/zope1.up`) !== undefined
  const states = (): string[] => {
    if (machine.isGone()) throw new Error(machine.output())
    return jsonLines(machine.output())
      .filter(({ msg }) => msg === 'backend changed state')
      .map(({ state }) => String(state))
  }
  await until('its heartbeat is learned', () => {
    states()
    return machine.output().includes('heartbeat learned') && isThere()
  })
  const before = states().length
  machine.child.stdin?.write('gone\n')
  await until('it is out', () =>
    states()
      .slice(before)
      .some(state => state === 'frozen' || state === 'down'),
  )
  await until('it has no share', () => !isThere())
  // longer than all its probes need to fail
  let hasCome = false
  const look = setInterval(() => (hasCome ||= isThere()), 20)
  await passes(20_000)
  clearInterval(look)
  t.equal(hasCome, false, 'it does not come back')
  const story = states().slice(before)
  const out = story.findIndex(state => ['frozen', 'down'].includes(state))
  t.same(
    story.slice(out).filter(state => !['frozen', 'down'].includes(state)),
    [],
    `it stays out: ${story.join(', ')}`,
  )
  machine.child.stdin?.write('back\n')
  await until('it is back', () => isThere() && states().at(-1) === 'up')
})
