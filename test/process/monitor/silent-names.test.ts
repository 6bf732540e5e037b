// A monitor that is restarted while the name server is silent. In namespaces of the
// test's own, with a real resolver.
import { readFileSync, writeFileSync } from 'node:fs'
import t from 'tap'
import type { MonitorReport } from '../../../sentinels/reports.ts'
import {
  checkout,
  dist,
  jsonLines,
  publicDirectory,
  startProgram,
  textOf,
  until,
} from '../../../lab/processes.ts'

void t.test('backends with a host name keep their state', async t => {
  const root = publicDirectory(t)
  const directory = `${root}/run`
  const config = `${root}/zope-failover.yaml`
  writeFileSync(
    config,
    JSON.stringify({
      directory,
      backends: {
        zope1: 'http://zope1.example:8081',
        zope2: 'http://zope2.example:8082',
        // nothing listens there
        zope3: 'http://zope3.example:8083',
      },
      probe: {
        interval: '200ms',
        connectTimeout: '500ms',
        slowStart: '0s',
        heartbeat: 'off',
        // however slow this machine is
        slow: '60s',
        timeout: '60s',
      },
    }),
  )
  const machine = startProgram(
    t,
    'unshare',
    [
      ...['--net', '--mount', '--pid', '--fork', '--kill-child'],
      ...[
        '--mount-proc',
        'sh',
        `${checkout}/test/process/monitor/silent-names.sh`,
      ],
      ...[root, `${checkout}/test/process/monitor/silent-names.mjs`],
      ...[process.execPath, `${dist}/cli/main.js`, config],
    ],
    'pipe',
  )
  let seen = 0
  const tell = async (command: string): Promise<void> => {
    machine.child.stdin?.write(`${command}\n`)
    seen++
    await until(`the machine: ${command}`, () => {
      if (machine.isGone()) throw new Error(machine.output())
      return machine.output().split('done: ').length > seen
    })
  }
  const report = (): MonitorReport | undefined => {
    const text = textOf(`${directory}/monitor.json`)
    return text === undefined ? undefined : JSON.parse(text)
  }
  /** Waits until the running monitor has judged all as expected, by this many probes. */
  const isRight = (probes: number): Promise<unknown> =>
    until('two up, one down', () => {
      const { started, backends = {} } = report() ?? {}
      const streaks = Object.values(backends).map(({ streak }) => streak)
      return (
        started !== formerStart &&
        streaks.length === 3 &&
        streaks.every(streak => Math.abs(streak) >= probes) &&
        states() === 'up up down'
      )
    })
  const states = (): string =>
    Object.values(report()?.backends ?? {})
      .map(({ state }) => state)
      .join(' ')
  let formerStart: string | undefined
  /** Log lines of the running monitor. */
  let logged = 0
  const lines = (message: string) =>
    jsonLines(machine.output())
      .slice(logged)
      .filter(({ msg }) => String(msg).startsWith(message))
  const restart = async (between: () => void): Promise<void> => {
    await tell('stop')
    formerStart = report()?.started
    between()
    logged = jsonLines(machine.output()).length
    await tell('start')
  }

  await tell('start')
  await isRight(4)
  t.match(report()?.addresses, {
    'zope1.example': { addresses: ['127.0.0.1'] },
  })

  await tell('silent')
  let isLost = false
  const look = setInterval(() => {
    for (const name of ['zope1', 'zope2'])
      isLost ||= textOf(`${directory}/${name}.up`) === undefined
  }, 5)
  t.teardown(() => clearInterval(look))
  await restart(() => undefined)
  // the addresses in monitor.json are probed
  await isRight(4)
  await until('it is logged', () =>
    lines('host name cannot be resolved, using its last address').some(
      ({ backend }) => backend === 'zope1',
    ),
  )

  // a monitor that knows no address says nothing about them
  await restart(() => {
    const file = `${directory}/monitor.json`
    const { addresses, ...rest } = JSON.parse(readFileSync(file, 'utf8'))
    t.ok(addresses)
    writeFileSync(file, JSON.stringify(rest))
  })
  for (const name of ['zope1', 'zope2', 'zope3'])
    await until(`${name} cannot be looked up`, () =>
      lines('host name cannot be resolved, backend state unchanged').some(
        ({ backend }) => backend === name,
      ),
    )
  await until('its report', () => report()?.started !== formerStart)
  t.equal(states(), 'up up down')

  await tell('answer')
  await isRight(4)
  t.same(lines('backend changed state'), [], 'no verdict has changed')
  t.equal(isLost, false, 'they kept their files all the time')
})
