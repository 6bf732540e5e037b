// npm run bench:health: how fast and how correctly this monitor, HAProxy and
// mod_proxy_hcheck judge the same real Zopes with the same faults, and this
// monitor's cost for many backends.
import { parseArgs } from 'node:util'
import { optionsOf } from '../options.ts'
import { machine, textOf } from '../tools.ts'
import { measureFaults, type FaultSize } from './faults.ts'
import { measureLoad, type LoadSize } from './load.ts'
import { measurePage, type PageSize } from './page.ts'
import { endOnSignals, makeOwner } from '../../lab/owner.ts'
import { faultKinds, report, type Results } from './report.ts'
import { measureZopeCost } from './zope-cost.ts'

const sections = ['faults', 'load', 'page', 'zope'] as const

const help = `npm run bench:health -- [--quick] [--only SECTION]... [--page-seconds N]

  --quick   to see that it works; its figures mean little
  --only    one of ${sections.join(', ')}
  --page-seconds   for how long each of those who look at the status page does
`

/** The amount of work; the whole run stays under five minutes. */
const full: {
  faults: FaultSize
  load: LoadSize
  page: PageSize
  questions: number
} = {
  page: { seconds: 15, pages: 50, attackers: 10_000 },
  questions: 500,
  faults: { rounds: 3, kinds: faultKinds, scale: 1 },
  load: {
    seconds: 6,
    setUps: [
      { backends: 2, hasHeartbeat: false, deaths: 6 },
      { backends: 2, hasHeartbeat: true, deaths: 0 },
      { backends: 20, hasHeartbeat: false, deaths: 20 },
      { backends: 20, hasHeartbeat: true, deaths: 0 },
      { backends: 1_000, hasHeartbeat: false, deaths: 40 },
    ],
  },
}
const quick: typeof full = {
  page: { seconds: 2.5, pages: 5, attackers: 10_000 },
  questions: 20,
  faults: { rounds: 1, kinds: ['frozen', 'flapping', 'well'], scale: 0.5 },
  load: {
    seconds: 0.5,
    setUps: [
      { backends: 2, hasHeartbeat: false, deaths: 0 },
      { backends: 2, hasHeartbeat: true, deaths: 0 },
      { backends: 200, hasHeartbeat: false, deaths: 2 },
    ],
  },
}

async function main(): Promise<number> {
  const values = optionsOf(
    () =>
      parseArgs({
        options: {
          quick: { type: 'boolean', default: false },
          'page-seconds': { type: 'string' },
          only: { type: 'string', multiple: true, default: [] },
          help: { type: 'boolean', default: false },
        },
      }),
    help,
    sections,
  )
  if (typeof values === 'number') return values
  const size = values.quick ? quick : full
  const seconds = Number(values['page-seconds'] ?? size.page.seconds)
  if (!(seconds > 0 && seconds <= 3_600)) {
    process.stderr.write(
      `--page-seconds must be more than 0 and at most 3600, got "${values['page-seconds']}"\n`,
    )
    return 2
  }
  const owner = makeOwner()
  endOnSignals(owner)
  const before = machine()
  try {
    const results: Results = {}
    for (const section of sections) {
      if (values.only.length > 0 && !values.only.includes(section)) continue
      process.stderr.write(`bench: ${section}\n`)
      switch (section) {
        case 'faults':
          results.faults = await measureFaults(owner, size.faults)
          break
        case 'load':
          results.load = await measureLoad(owner, size.load)
          break
        case 'page':
          results.page = await measurePage(owner, { ...size.page, seconds })
          break
        case 'zope':
          results.zope = await measureZopeCost(owner, size.questions)
          break
      }
      // sections never overlap
      await owner.end()
    }
    process.stdout.write(`${before} before\n\n${report(results)}`)
    return 0
  } catch (err) {
    process.stderr.write(`bench: ${textOf(err)}\n`)
    return 1
  } finally {
    await owner.end()
  }
}

process.exit(await main())
