// `npm start` and `npm run demo:squid`: interactive on a terminal; without one,
// a tour that checks itself.
import { parseArgs } from 'node:util'
import { fronts } from './front.ts'
import { live } from './live.ts'
import { PortInUse, Stage } from './stage.ts'
import { tour } from './tour.ts'

function print(line: string): void {
  process.stdout.write(`${line}\n`)
}

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      port: { type: 'string' },
      squid: { type: 'boolean', default: false },
    },
  })
  const kind = values.squid ? fronts.squid : fronts.httpd
  if (values.port !== undefined && !/^[1-9]\d{0,4}$/.test(values.port)) {
    print(`--port must be a port number, got ${JSON.stringify(values.port)}`)
    return 2
  }
  let stage: Stage
  try {
    stage = await Stage.prepare(
      kind,
      values.port === undefined ? undefined : Number(values.port),
    )
  } catch (err) {
    if (!(err instanceof PortInUse)) throw err
    print(err.message)
    return 1
  }
  // a signal that ends this program also ends all that it started
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.once(signal, () => {
      void stage.close().finally(() => process.exit(1))
    })
  try {
    print(
      `Starting ${kind.name}, the ${kind.asked}, the monitor, three backends, 20 visitors …`,
    )
    await stage.start()
    print(stage.addresses)
    if (process.stdin.isTTY && process.stdout.isTTY) {
      await live(stage)
      return 0
    }
    const allHold = await tour(stage, print)
    if (!allHold) print(`\nThe logs end with\n${stage.logTail()}`)
    print(allHold ? '\nEvery step held.' : '\nNot every step held.')
    return allHold ? 0 : 1
  } catch (err) {
    print(`\nThe logs end with\n${stage.logTail()}`)
    throw err
  } finally {
    await stage.close()
  }
}

process.exitCode = await main()
