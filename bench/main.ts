// npm run bench: the figures of docs/benchmarks.md. Everything that is compared
// runs in alternating rounds of one run, because machines are noisy.
import { parseArgs } from 'node:util'
import { assertAgreement } from './agreement.ts'
import { measureColdStart } from './cold-start.ts'
import { measureIcp } from './icp.ts'
import { measureLookups } from './lookups.ts'
import { measureMemory } from './memory.ts'
import { mapPrograms, type MapProgram } from './programs.ts'
import { report, stickyName, targets, type Results } from './report.ts'
import { measureRequests } from './requests.ts'
import { makeScratch, type Scratch } from './scratch.ts'
import { measureSentinelLatency } from './sentinel-latency.ts'
import { measureSquid } from './squid.ts'
import { sitesWithoutProgram, siteWithSticky, type Site } from './httpd.ts'
import {
  backends,
  textMapDirectory,
  writeTextMap,
} from './sentinel-directory.ts'
import { optionsOf } from './options.ts'
import { compile, machine, textOf } from './tools.ts'

const sections = [
  'lookups',
  'requests',
  'sentinel',
  'cold-start',
  'memory',
  'squid',
  'icp',
] as const
type Section = (typeof sections)[number]

const help = `npm run bench -- [--quick] [--strict] [--only SECTION]...

  --quick   a quarter of a minute, to see that it works; its figures mean little
  --strict  exit 1 when a target is missed or could not be measured
  --only    one of ${sections.join(', ')}
`

/** The amount of work; the whole run stays under six minutes. */
const full = {
  drive: {
    rounds: 15,
    lookups: 10_000,
    warmUp: 5_000,
    flipMs: 50,
    seconds: 75,
  },
  load: { rounds: 7, roundMs: 1_500, connections: 32 },
  sentinelChanges: 300,
  coldStarts: 15,
  memoryLookups: 1_000_000,
  squid: { rounds: 9, lookups: 10_000, warmUp: 5_000, flipMs: 50, seconds: 40 },
  icp: { queries: 100_000, perSecond: 2_000, changesPerSecond: 1_000 },
}
const quick: typeof full = {
  drive: { rounds: 3, lookups: 1_000, warmUp: 200, flipMs: 50, seconds: 10 },
  load: { rounds: 1, roundMs: 300, connections: 32 },
  sentinelChanges: 10,
  coldStarts: 2,
  memoryLookups: 20_000,
  squid: { rounds: 1, lookups: 1_000, warmUp: 200, flipMs: 50, seconds: 10 },
  icp: { queries: 1_000, perSecond: 2_000, changesPerSecond: 1_000 },
}

async function main(): Promise<number> {
  const values = optionsOf(
    () =>
      parseArgs({
        options: {
          quick: { type: 'boolean', default: false },
          strict: { type: 'boolean', default: false },
          only: { type: 'string', multiple: true, default: [] },
          help: { type: 'boolean', default: false },
        },
      }),
    help,
    sections,
  )
  if (typeof values === 'number') return values
  const scratch = makeScratch()
  try {
    const wanted = sections.filter(
      name => values.only.length === 0 || values.only.includes(name),
    )
    const results = await measure(scratch, wanted, values.quick ? quick : full)
    process.stdout.write(`${machine()}\n\n${report(results)}`)
    const isMet = targets(results).every(({ verdict }) => verdict === 'met')
    return values.strict && !isMet ? 1 : 0
  } catch (err) {
    process.stderr.write(`bench: ${textOf(err)}\n${scratch.logTail()}\n`)
    return 1
  } finally {
    scratch.remove()
  }
}

async function measure(
  scratch: Scratch,
  wanted: readonly Section[],
  size: typeof full,
): Promise<Results> {
  const c = compile(scratch)
  if (c === undefined)
    tell(
      'no C compiler (cc): no C map to compare with, Node plays httpd, and nothing plays Squid',
    )
  const { thisMap, cMap, others } = mapPrograms(scratch, c)
  const maps = cMap === undefined ? [thisMap] : [thisMap, cMap]
  const results: Results = {}
  for (const section of wanted) {
    tell(section)
    switch (section) {
      case 'lookups': {
        await assertAgreement(scratch, [...maps, ...others.slice(0, -1)])
        const times = await measureLookups(
          scratch,
          [...maps, ...others],
          c?.driver,
          size.drive,
        )
        results.lookups = {
          times,
          cMap: times.find(({ program }) => program === cMap),
          lookupsPerRound: size.drive.lookups,
        }
        break
      }
      case 'requests':
        results.requests = await measureRequests(
          scratch,
          [
            ...[undefined, ...maps].map(map => ({
              name: map?.name ?? 'no map',
              map,
            })),
            ...stickySites(thisMap),
            ...sitesWithoutProgram(textMapDirectory(scratch)),
          ],
          c?.load,
          size.load,
        )
        break
      case 'sentinel':
        results.sentinel = []
        for (const map of maps)
          results.sentinel = [
            ...results.sentinel,
            {
              name: map.name,
              tookMs: await measureSentinelLatency(
                scratch,
                map,
                size.sentinelChanges,
              ),
            },
          ]
        break
      case 'cold-start':
        results.coldStart = await measureColdStart(
          scratch,
          thisMap,
          size.coldStarts,
        )
        break
      case 'memory':
        results.memory = await measureMemory(
          scratch,
          thisMap,
          size.memoryLookups,
        )
        break
      case 'squid':
        if (c !== undefined)
          results.squid = await measureSquid(scratch, c, size.squid)
        break
      case 'icp':
        if (c !== undefined)
          results.icp = await measureIcp(scratch, c, size.icp)
        break
    }
  }
  return results
}

/**
 * As generated by `apache-conf`: sticky visitors do not ask the map program.
 */
function stickySites(map: MapProgram): Site[] {
  writeTextMap(map.directory)
  return [
    siteWithSticky('this map, text map first, no cookie', map),
    {
      ...siteWithSticky(stickyName, map),
      cookie: `zope_route=${backends[0]}`,
    },
  ]
}

function tell(what: string): void {
  process.stderr.write(`bench: ${what}\n`)
}

process.exit(await main())
