// npm run bench:plone: a real Plone with its garbage collection behind the product.
// How often its state changes while it is well, and how soon a stopped one gets no
// new visitors.
import { writeFileSync } from 'node:fs'
import { cpus, loadavg } from 'node:os'
import { setTimeout as pause } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { apacheConf } from '../../lab/apache-conf.ts'
import { startHttpd } from '../../lab/httpd.ts'
import {
  dist,
  jsonLines,
  publicDirectory,
  startProgram,
  textOf,
} from '../../lab/processes.ts'
import { endOnSignals, makeOwner } from '../../lab/owner.ts'
import { browse } from './people.ts'
import { startPlones } from './plone.ts'
import { waitFor } from './wait.ts'

const help = `npm run bench:plone -- [--seconds N] [--stops N]

  --seconds N   how long three visitors and an editor work (600)
  --stops N     how often a Plone is stopped (5)
`

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      seconds: { type: 'string', default: '600' },
      stops: { type: 'string', default: '5' },
      help: { type: 'boolean', default: false },
    },
  })
  if (values.help) {
    process.stdout.write(help)
    return 0
  }
  const seconds = Number(values.seconds)
  const owner = makeOwner()
  endOnSignals(owner)
  try {
    say('starting ZEO and two Plones')
    const plones = await startPlones(owner)
    const root = publicDirectory(owner)
    const directory = `${root}/sentinels`
    const config = `${root}/zope-failover.yaml`
    writeFileSync(
      config,
      JSON.stringify({
        directory,
        backends: Object.fromEntries(
          plones.map(({ name, url }) => [name, { url }]),
        ),
        probe: { path: '/Plone/@@ok', slowStart: '0s', damping: false },
      }),
    )
    const monitor = startProgram(owner, process.execPath, [
      `${dist}/cli/main.js`,
      'monitor',
      `--config=${config}`,
    ])
    const logged = (message: string) =>
      jsonLines(monitor.output()).filter(line =>
        String(line['msg']).startsWith(message),
      )
    const share = (name: string) => textOf(`${directory}/${name}.up`)?.trim()
    await waitFor(
      'heartbeats are learned',
      () => logged('heartbeat learned').length >= plones.length,
    )
    const conf = apacheConf(config)
    const httpd = await startHttpd(owner, { conf })
    const front = `http://127.0.0.1:${httpd.port}`

    say(`three visitors and an editor for ${seconds} s`)
    const before = logged('backend changed state').length
    let lastResort = 0
    let isLast = false
    const look = setInterval(() => {
      const isNow = share('plone1') === '0'
      if (isNow && !isLast) lastResort++
      isLast = isNow
    }, 20)
    const people = await browse(front, 3, seconds)
    clearInterval(look)
    const changes = logged('backend changed state').slice(before)

    say('stopping a Plone')
    const stops: number[] = []
    const [first] = plones
    if (first === undefined) throw new Error('no Plone')
    for (let stop = 0; stop < Number(values.stops); stop++) {
      await waitFor('plone1 is well', () => share('plone1') === '100')
      await pause(2_000)
      const begun = performance.now()
      first.program.child.kill('SIGSTOP')
      while (share('plone1') === '100') await pause(5)
      stops.push(performance.now() - begun)
      first.program.child.kill('SIGCONT')
    }
    process.stdout.write(
      report({
        seconds,
        changes: changes.length,
        lastResort,
        stops,
        ...people,
      }),
    )
    for (const line of changes)
      say(
        `${String(line['backend'])}: ${String(line['was'])} → ${String(line['state'])}: ${String(line['reason'])}`,
      )
    for (const text of people.bad) say(text)
    return 0
  } finally {
    await owner.end()
  }
}

type PloneFigures = {
  readonly seconds: number
  /** of state, as the log tells them */
  readonly changes: number
  /** how often the first Plone was the last resort for a moment */
  readonly lastResort: number
  /** from the stop until there were no new visitors, in ms */
  readonly stops: readonly number[]
  readonly ms: readonly number[]
  readonly bad: readonly string[]
}

function report(measured: PloneFigures): string {
  const { seconds, changes, lastResort, stops, ms, bad } = measured
  const sorted = ms.toSorted((one, other) => one - other)
  const at = (part: number): string =>
    `${Math.round(sorted[Math.floor(part * (sorted.length - 1))] ?? NaN)} ms`
  const rows = [
    ['changes of state', `${changes}`],
    ['moments as last resort, under a second each', `${lastResort}`],
    ['pages', `${ms.length}, ${bad.length} of them bad`],
    ['a page: median, 95 of 100, longest', [0.5, 0.95, 1].map(at).join(', ')],
    [
      'stopped (SIGSTOP): no new visitors after',
      stops.map(stop => `${(stop / 1_000).toFixed(2)} s`).join(', '),
    ],
  ]
  return [
    `Two Plone 6.0.13 with four threads each at one ZEO, three visitors and an editor for ${seconds} s; ${cpus().length} cores, load ${loadavg()[0]?.toFixed(1)}.`,
    '',
    '| what | measured |',
    '| --- | --- |',
    ...rows.map(row => `| ${row.join(' | ')} |`),
    '',
  ].join('\n')
}

function say(text: string): void {
  process.stderr.write(`bench:plone: ${text}\n`)
}

process.exitCode = await main()
