// npm run bench:takeover: for how long new visitors fail when an address has to
// move, and when a tier has to help itself. The steps are those of
// test/takeover, with a user's time limits.
import { parseArgs } from 'node:util'
import { failed, failedMs, startFronts } from '../lab/fronts.ts'
import { startNatSite, through, vanish } from '../lab/nat.ts'
import type { Visit } from '../lab/network.ts'
import { mapHung, ownZopeFrozen, sharedSteps } from '../lab/takeover.ts'
import { startTiers, tierSteps } from '../lab/tiers.ts'
import { endOnSignals, makeOwner, type RunOwner } from '../lab/owner.ts'
import { optionsOf } from './options.ts'
import { machine, textOf } from './tools.ts'

const parts = ['shared', 'own', 'tiers', 'nat'] as const
type Part = (typeof parts)[number]

const help = `npm run bench:takeover -- [--only PART]... [--step TEXT]...

  --only  ${parts.join(', ')}: two fronts that know both Zopes, two with a Zope of
          their own, examples/tiers/, examples/nat/
  --step  only steps of fronts whose name has this in it

One run of everything takes about six minutes on a quiet machine. As root.
`

type Row = {
  readonly name: string
  readonly targetMs: number
  readonly targetFailed?: number | undefined
  readonly noticedMs: number | null
  readonly movedMs: number | null
  readonly visits: readonly Visit[]
  /** what should have been so */
  readonly broken: readonly string[]
}

async function main(): Promise<number> {
  const values = optionsOf(
    () =>
      parseArgs({
        options: {
          only: { type: 'string', multiple: true, default: [] },
          step: { type: 'string', multiple: true, default: [] },
          help: { type: 'boolean', default: false },
        },
      }),
    help,
    parts,
  )
  if (typeof values === 'number') return values
  const { only, step } = values
  const isWanted = (name: string): boolean =>
    step.length === 0 || step.some(text => name.includes(text))
  const before = machine()
  const rows: Row[] = []
  for (const part of parts)
    if (only.length === 0 || only.includes(part))
      await measure(part, isWanted, row => {
        rows.push(row)
      })
  process.stdout.write(`${before} before\n\n${report(rows)}`)
  return rows.length > 0 ? 0 : 1
}

type Add = (row: Row) => void

/** One setup, and its steps. What fails ends this setup alone. */
async function measure(
  part: Part,
  isWanted: (name: string) => boolean,
  add: Add,
): Promise<void> {
  const owner = makeOwner()
  endOnSignals(owner)
  try {
    if (part === 'tiers') await measureTiers(owner, add)
    else if (part === 'nat') await measureNat(owner, add)
    else await measurePair(owner, part, isWanted, add)
  } catch (err) {
    process.stderr.write(`bench: ${part}: ${textOf(err)}\n`)
  } finally {
    await owner.end()
  }
}

async function measurePair(
  owner: RunOwner,
  part: 'shared' | 'own',
  isWanted: (name: string) => boolean,
  add: Add,
): Promise<void> {
  const steps = part === 'own' ? [ownZopeFrozen] : [...sharedSteps, mapHung]
  const wanted = steps.filter(({ name }) => isWanted(name))
  if (wanted.length === 0) return
  const site = await startFronts(owner, {
    isShared: part === 'shared',
    hasKeepalived: true,
    isTimed: true,
  })
  for (const { name, targetMs, targetFailed, run } of wanted) {
    process.stderr.write(`bench: ${name}\n`)
    const { faultAt, noticedAt, movedAt, visits, holds } = await run(site)
    const since = (at: number | null) => (at === null ? null : at - faultAt)
    add({
      ...{ name, targetMs, targetFailed, visits },
      noticedMs: since(noticedAt),
      movedMs: since(movedAt),
      broken: brokenOf(holds),
    })
  }
}

async function measureTiers(owner: RunOwner, add: Add): Promise<void> {
  const site = await startTiers(owner, true)
  for (const { name, targetMs, run } of tierSteps) {
    process.stderr.write(`bench: tiers: ${name}\n`)
    const { visits, holds } = await run(site)
    add({
      ...{ name: `tiers: ${name}`, targetMs, visits },
      ...{ noticedMs: null, movedMs: null },
      broken: brokenOf(holds),
    })
  }
}

function natRow(
  name: string,
  targetFailed: number,
  visits: readonly Visit[],
): Row {
  return {
    ...{ name: `NAT: ${name}`, targetMs: Infinity, targetFailed, visits },
    ...{ noticedMs: null, movedMs: null, broken: [] },
  }
}

async function measureNat(owner: RunOwner, add: Add): Promise<void> {
  const site = await startNatSite(owner)
  const { zopes, hosts, isOut, isWell, few } = site
  const [zope1] = zopes
  process.stderr.write('bench: nat\n')
  const killed = await through(site, async () => {
    await zope1.kill()
    await isOut('zope1')
  })
  zope1.launch()
  await isWell()
  const frozen = await through(site, async () => {
    zope1.freeze()
    await isOut('zope1')
  })
  zope1.thaw()
  await isWell()
  const [host] = hosts
  if (host === undefined) throw new Error('two hosts')
  vanish(host, true)
  const vanished = await few({ count: 20, limitMs: 3_000 }).all
  vanish(host, false)
  await isWell()
  add(natRow('zope1 killed', 15, killed.all))
  add(natRow('zope1 frozen', 30, frozen.all))
  add(natRow('the host of zope1 vanishes, each visitor waits 3 s', 0, vanished))
}

function brokenOf(holds: Readonly<Record<string, boolean>>): string[] {
  return Object.keys(holds).filter(what => holds[what] !== true)
}

function seconds(ms: number | null): string {
  return ms === null ? '–' : `${(ms / 1_000).toFixed(2)} s`
}

/** A Markdown table, and what did not hold. */
function report(rows: readonly Row[]): string {
  const lines = rows.map(row => {
    const { name, targetMs, targetFailed = Infinity, visits } = row
    const lost = failed(visits).length
    const ms = failedMs(visits)
    const isMet =
      ms <= targetMs &&
      lost <= (targetMs === 0 ? 0 : targetFailed) &&
      row.broken.length === 0
    const target =
      targetMs === Infinity
        ? targetFailed === Infinity
          ? 'the 503 page'
          : `${targetFailed} visitors`
        : targetFailed === Infinity
          ? seconds(targetMs)
          : `${targetFailed} visitors`
    return `| ${[name, seconds(row.noticedMs), seconds(row.movedMs), `${lost} of ${visits.length}`, seconds(ms), target, isMet ? 'met' : 'missed'].join(' | ')} |`
  })
  const remarks = rows.flatMap(({ name, broken }) =>
    broken.map(what => `- ${name}: not so: ${what}\n`),
  )
  return `| fault | noticed | address moved | visitors that failed | from the first to the last | target | |
| --- | ---: | ---: | ---: | ---: | ---: | --- |
${lines.join('\n')}
${remarks.length === 0 ? '' : `\n${remarks.join('')}`}`
}

process.exitCode = await main()
