import { execFile } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import t from 'tap'
import { haproxyWords, hcheckWords } from '../../../bench/health/checkers.ts'
import {
  beatCostMs,
  cell,
  report,
  unevenness,
  type Load,
} from '../../../bench/health/report.ts'
import {
  findingOf,
  type StateChange,
  type Word,
} from '../../../bench/health/timeline.ts'
import { processesWith } from '../../../lab/processes.ts'

const run = promisify(execFile)
const main = 'dist/bench/health/main.js'
const span = { beginMs: 1_000, endMs: 11_000, untilMs: 20_000 }

function said(...words: [number, Word][]): StateChange[] {
  return words.map(([atMs, word]) => ({ atMs, word }))
}

void t.test('what a checker made of a fault', async t => {
  t.same(
    findingOf(
      said(
        [0, 'out'],
        [500, 'in'],
        [1_300, 'last'],
        [4_000, 'out'],
        [12_500, 'in'],
      ),
      span,
    ),
    {
      elsewhereMs: 300,
      downMs: 3_000,
      backMs: 1_500,
      isLost: false,
      isEarly: false,
      flips: 2,
    },
    'noticed, down, back',
  )
  t.match(
    findingOf(said([500, 'in']), span),
    { elsewhereMs: null, downMs: null, backMs: null, isLost: false, flips: 0 },
    'never noticed',
  )
  t.match(
    findingOf(said([500, 'in'], [12_000, 'out']), span),
    { elsewhereMs: null, downMs: null, backMs: null, isLost: true, flips: 1 },
    'only when it was over',
  )
  t.match(
    findingOf(
      said(
        [500, 'in'],
        [2_000, 'out'],
        [5_000, 'in'],
        [6_000, 'out'],
        [11_200, 'in'],
      ),
      span,
    ),
    { elsewhereMs: 1_000, backMs: 200, isEarly: true, flips: 4 },
    'let in while the fault lasted',
  )
  t.match(
    findingOf(said([500, 'in'], [2_000, 'last'], [30_000, 'in']), span),
    { isLost: true, backMs: null },
    'what comes after the watching does not count',
  )
})

void t.test('the report of many rounds', async t => {
  const well = findingOf([], span)
  const shot = findingOf(said([3_000, 'out'], [12_000, 'in']), span)
  const lost = findingOf(said([3_000, 'out']), span)
  t.equal(cell('frozen', []), '')
  t.equal(cell('well', [well]), 'no alarm')
  t.equal(cell('well', [well, shot]), '**shot** (1 of 2)')
  const demoted = findingOf(said([3_000, 'last'], [12_000, 'in']), span)
  t.equal(cell('well', [demoted]), 'new visitors elsewhere for a while')
  t.equal(cell('frozen', [well, well]), 'never noticed')
  t.equal(cell('frozen', [shot, shot]), '2.00 / 2.00 / 1.00')
  t.equal(cell('busy', [shot]), '2.00 / 2.00 / 1.00, **shot**')
  t.equal(
    cell('busy', [shot, well]),
    '2.00 / 2.00 / 1.00, **shot** (1 of 2), missed (1 of 2)',
  )
  t.equal(cell('frozen', [lost]), '2.00 / 2.00 / –, not back')
  t.equal(cell('flapping', [shot, lost]), '3 changes')
})

const load = (over: Partial<Load>): Load => ({
  backends: 2,
  hasHeartbeat: false,
  seconds: 10,
  probes: 20,
  beats: 0,
  cpuMs: 100,
  residentMb: 80,
  verdictMs: [],
  bins: [1, 1],
  ...over,
})

void t.test('a heartbeat costs what there is more with it', async t => {
  const off = load({})
  const on = load({ hasHeartbeat: true, seconds: 5, cpuMs: 70, beats: 40 })
  t.equal(beatCostMs(on, [off, on]), 0.5)
  t.equal(beatCostMs(off, [off, on]), undefined)
  t.equal(beatCostMs(on, [on]), undefined)
  t.equal(unevenness([10, 10, 10]), 1)
  t.equal(unevenness([0, 30, 0]), 3)
})

void t.test('nothing to divide by leaves the cells empty', async t => {
  const text = report({
    load: [load({ backends: 200, probes: 0, bins: [0, 0] })],
  })
  t.match(text, '| 200 | off | 0 | 1.0 % |  |  | 80 |  |  |')
})

void t.test('the report has the sections that were measured', async t => {
  const finding = findingOf(said([2_000, 'out'], [11_500, 'in']), span)
  const text = report({
    faults: {
      checkers: ['ours'],
      rounds: 1,
      flaps: 0,
      findings: [{ kind: 'frozen', checker: 'ours', finding }],
    },
  })
  t.match(text, '| fault | ours |')
  t.match(text, '| frozen (`SIGSTOP`) | 1.00 / 1.00 / 0.50 |')
  t.notMatch(text, '### What')
  t.match(
    report({ load: [load({ verdictMs: [1_000, 3_000, 2_000] })] }),
    '| 2 | off | 20 | 1.0 % | 5.00 |  | 80 | 2.00 (3.00) |  |',
  )
})

void t.test('what the status page takes', async t => {
  const who = { seconds: 2, cpuMs: 100, residentMb: 90 }
  t.match(
    report({
      page: [{ ...who, what: 'no readers', gapsMs: [1_000, 900, 1_100] }],
    }),
    '| no readers | 5.0 % | 90 | 1000 | 1100 | 1100 |',
  )
})

void t.test('what a Zope takes', async t => {
  t.match(
    report({ zope: [{ what: 'heartbeat', times: 9, cpuMs: 0.2, tookMs: 1 }] }),
    '| heartbeat | 9 | 0.20 | 1.00 |',
  )
})

void t.test("HAProxy's words", async t => {
  const csv = `# pxname,svname,status,
usual,zope1,UP,
usual,zope2,UP 2/3,
usual,BACKEND,UP,
best,zope1,DOWN,
best,zope2,DOWN 1/2,
`
  t.same(
    [...haproxyWords(csv, 'usual')],
    [
      ['zope1', 'in'],
      ['zope2', 'in'],
    ],
  )
  t.same(
    [...haproxyWords(csv, 'best')],
    [
      ['zope1', 'out'],
      ['zope2', 'out'],
    ],
  )
})

function row(port: number, status: string): string {
  return `<tr>\n<td><a href="/manager?w=http://127.0.0.1:${port}">http://127.0.0.1:${port}</a></td><td>0</td><td>${status}</td></tr>`
}

void t.test("balancer-manager's words", async t => {
  t.same(
    [
      ...hcheckWords(
        `<tr><th>Status</th></tr>${row(81, 'Init Ok ')}${row(82, 'Init HcFl ')}${row(83, 'Init Ok ')}`,
        new Map([
          [81, 'zope1'],
          [82, 'zope2'],
        ]),
      ),
    ],
    [
      ['zope1', 'in'],
      ['zope2', 'out'],
    ],
  )
})

void t.test('npm run bench:health runs the program tested here', async t => {
  const { scripts } = JSON.parse(readFileSync('package.json', 'utf8'))
  t.match(scripts['bench:health'], new RegExp(`node ${main}$`))
  t.ok(existsSync(main), 'built')
})

void t.test('a quick run with stand-ins, and nothing stays', async t => {
  const scratch = join(t.testdir(), 'scratch')
  mkdirSync(scratch)
  const { stdout } = await run(
    process.execPath,
    [main, '--quick', '--only', 'load', '--only', 'page'],
    {
      env: { ...process.env, TMPDIR: scratch },
      signal: AbortSignal.timeout(120_000),
    },
  )
  t.match(stdout, '### What the monitor takes')
  t.match(stdout, '### What the status page takes')
  t.match(stdout, '| 5 open pages, ')
  t.match(stdout, '10000 connections at once')
  t.notMatch(stdout, /NaN|Infinity|undefined/)
  t.equal(stdout.match(/^\| \d+ \|/gm)?.length, 3)
  t.same(readdirSync(scratch), [], 'no file is left behind')
  t.same(processesWith(scratch), [], 'no process is left behind')
})

void t.test('wrong usage is refused', async t => {
  for (const args of [
    ['--fast'],
    ['--only', 'speed'],
    ['--page-seconds', 'ten'],
    ['--page-seconds', '0'],
  ])
    await t.rejects(run(process.execPath, [main, ...args]), { code: 2 })
})
