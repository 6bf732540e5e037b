// `npm start`: on a terminal to play with, without one a tour that checks
// itself.
import { live } from './live.ts'
import { Stage } from './stage.ts'
import { tour } from './tour.ts'

function say(line: string): void {
  process.stdout.write(`${line}\n`)
}

async function main(): Promise<number> {
  say('Starting httpd, the map, the monitor, three backends, twenty visitors …')
  const stage = await Stage.open()
  try {
    if (process.stdin.isTTY && process.stdout.isTTY) {
      await live(stage)
      return 0
    }
    const allHold = await tour(stage, say)
    if (!allHold) say(`\nThe logs end with\n${stage.logTail()}`)
    say(allHold ? '\nEvery step held.' : '\nNot every step held.')
    return allHold ? 0 : 1
  } catch (err) {
    say(`\nThe logs end with\n${stage.logTail()}`)
    throw err
  } finally {
    await stage.close()
  }
}

process.exitCode = await main()
