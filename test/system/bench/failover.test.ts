import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { promisify } from 'node:util'
import t from 'tap'
import { impactOf, type Impact } from '../../../bench/failover/impact.ts'
import {
  failedAndBad,
  faultKinds,
  gapAndFirst,
  report,
} from '../../../bench/failover/report.ts'
import { traceOf } from '../../../bench/failover/trace.ts'
import { makeOwner } from '../../../lab/owner.ts'
import type { Sample } from '../../../lab/load.ts'
import {
  processesWith,
  publicDirectory,
  until,
} from '../../../lab/processes.ts'

const run = promisify(execFile)
const main = 'dist/bench/failover/main.js'
const span = { beginMs: 0, faultMs: 1_000, returnMs: 4_000, untilMs: 8_000 }

function sample(
  startMs: number,
  endMs: number,
  more: Partial<Sample> = {},
): Sample {
  return {
    id: '1.1',
    client: 1,
    startMs,
    endMs,
    status: 200,
    backend: 'zope1',
    error: undefined,
    retryAfter: undefined,
    isReused: false,
    isSentAgain: false,
    ...more,
  }
}

function impact(more: Partial<Impact> = {}): Impact {
  return {
    requests: 100,
    failedKept: 0,
    failedFresh: 0,
    turnedAway: 0,
    badMs: 0,
    gapMs: 60,
    firstGoodMs: 20,
    ...more,
  }
}

void t.test('what visitors saw', async t => {
  const away = { status: 503, retryAfter: '30' }
  t.same(
    impactOf(
      {
        kept: [
          sample(1_000, 1_010, { status: undefined, isSentAgain: true }),
          sample(1_010, 1_020),
          sample(1_500, 1_510, { status: 502 }),
        ],
        fresh: [
          sample(1_000, 1_020),
          // late, and good all the same
          sample(1_050, 2_060),
          sample(1_100, 1_110, away),
          sample(1_150, 1_160, away),
          sample(3_000, 5_000, { status: undefined, error: 'out of patience' }),
          sample(4_050, 4_100),
        ],
      },
      span,
    ),
    {
      requests: 9,
      failedKept: 1,
      failedFresh: 3,
      turnedAway: 2,
      badMs: 200,
      gapMs: 3_900,
      firstGoodMs: 100,
    },
  )
  t.equal(
    impactOf({ kept: [], fresh: [sample(10, 20)] }, span).firstGoodMs,
    null,
    'no good answer came after the return',
  )
})

void t.test('cells of the tables', async t => {
  const rounds = [
    impact({ failedKept: 2, failedFresh: 1, badMs: 100 }),
    impact({ badMs: 350 }),
    impact({ badMs: 300, gapMs: 1_400 }),
  ]
  t.equal(failedAndBad(rounds), '3 / 0.30', 'the worst, and the median')
  t.equal(gapAndFirst(rounds), '0.06 / 0.02')
  t.equal(gapAndFirst([impact({ firstGoodMs: null })]), '0.06 / none')
  t.equal(failedAndBad([]), '')
  t.equal(gapAndFirst([]), '')
})

void t.test('the report', async t => {
  const text = report([
    { kind: 'none', product: 'ours', impact: impact() },
    {
      kind: 'both-dead',
      product: 'ours',
      impact: impact({ failedFresh: 9, turnedAway: 8 }),
    },
    { kind: 'both-dead', product: 'theirs', impact: impact() },
  ])
  t.match(text, '| fault | ours | theirs |')
  t.match(text, '| no fault | 0 / 0.00 |  |')
  t.match(text, '| both dead 3 s | 0.06 / 0.02 | 0.06 / 0.02 |')
  t.match(text, 'One round, about 100 requests')
  t.match(text, '`Retry-After`: ours 8 of 9.')
  t.notMatch(
    report([{ kind: 'none', product: 'ours', impact: impact() }]),
    'Retry-After',
  )
  t.match(
    report(
      [impact(), impact()].map(it => ({
        kind: 'none',
        product: 'ours',
        impact: it,
      })),
    ),
    '2 rounds, about 100 requests in each cell. Badly served: failed, or waited over a second. Failed: the worst round; seconds: medians.',
  )
})

void t.test('the trace', async t => {
  const dead = { status: undefined, error: 'out of patience' }
  const log = `${JSON.stringify({ time: new Date(1_300).toISOString(), backend: 'zope1', state: 'frozen', was: 'up', reason: 'no heartbeat', msg: 'changed' })}
{"msg":"no state"}
2026-11-28 a line of another kind
`
  t.equal(
    traceOf(
      'ours, frozen',
      span,
      {
        kept: [sample(1_000, 1_100, { status: 502 })],
        fresh: [
          sample(900, 920),
          sample(1_000, 11_000, dead),
          sample(1_050, 11_000, dead),
          sample(1_100, 2_300),
          sample(1_900, 11_900, dead),
          sample(2_000, 2_010, { backend: 'zope2' }),
        ],
      },
      [
        { atMs: 1_001, text: 'frozen' },
        { atMs: -5, text: 'before the load' },
      ],
      log,
      0,
    ),
    `ours, frozen
  -0.10  new visitors get zope1
  +0.00  2 new begun in 0.05 s: out of patience, answered after 10.00 s at most
  +0.00  1 kept-alive begun in 0.00 s: status 502, answered after 0.10 s at most
  +0.00  frozen
  +0.10  1 new begun in 0.00 s: late, answered after 1.20 s at most
  +0.30  monitor: zope1 frozen, was up: no heartbeat
  +0.90  1 new begun in 0.00 s: out of patience, answered after 10.00 s at most
  +1.00  new visitors get zope2
Its log (the fault began at 1970-01-01T00:00:01.000Z):
2026-11-28 a line of another kind
`,
  )
})

void t.test('an end that fails does not keep the others', async t => {
  const owner = makeOwner()
  const ended: string[] = []
  owner.teardown(() => ended.push('first'))
  owner.teardown(() => {
    throw new Error('this one stays')
  })
  owner.teardown(() => ended.push('last'))
  const both = [owner.end(), owner.end()]
  await t.rejects(Promise.all(both), { message: 'this one stays' })
  await both[1]
  t.same(ended, ['last', 'first'], 'the youngest first, each once')
})

void t.test('npm run bench:failover runs the program tested here', async t => {
  const { scripts } = JSON.parse(readFileSync('package.json', 'utf8'))
  t.match(scripts['bench:failover'], new RegExp(`node ${main}$`))
  t.ok(existsSync(main), 'built')
})

void t.test('a quick run with every product, and nothing stays', async t => {
  const scratch = publicDirectory(t)
  const { stdout, stderr } = await run(
    process.execPath,
    [main, '--quick', '--trace'],
    { env: { ...process.env, TMPDIR: scratch } },
  )
  t.match(stdout, /^\| killed( \| \d+ \/ \d+\.\d\d){7} \|$/m)
  t.notMatch(stdout, /NaN|undefined/)
  t.match(stderr, 'zope-failover, killed\n')
  t.match(stderr, 'new visitors get zope2')
  t.same(readdirSync(scratch), [], 'no file is left behind')
  t.same(processesWith(scratch), [], 'no process is left behind')
})

for (const signal of ['SIGINT', 'SIGTERM'] as const)
  void t.test(`${signal} in the middle of a fault`, async t => {
    const scratch = publicDirectory(t)
    const child = spawn(
      process.execPath,
      [main, '--only', 'frozen-20s', '--product', 'defaults'],
      {
        env: { ...process.env, TMPDIR: scratch },
        stdio: ['ignore', 'ignore', 'pipe'],
      },
    )
    const exit = once(child, 'exit')
    t.teardown(async () => {
      child.kill(signal)
      await exit
    })
    // a step after the other: on a busy machine each takes its time
    const started = (what: string, count: number): Promise<unknown> =>
      until(`${count} × ${what}`, () => {
        const found = processesWith(scratch).filter(({ command }) =>
          command.includes(what),
        )
        return found.length >= count
      })
    await started('runzeo', 1)
    await started('runwsgi', 1)
    await started('runwsgi', 2)
    await once(child.stderr, 'data')
    await started('monitor', 1)
    await started('apache2', 1)
    const zope = await until('the first Zope is frozen', () =>
      processesWith(scratch).find(({ pid }) => isStopped(pid)),
    )
    child.kill(signal)
    t.same(await exit, [signal === 'SIGINT' ? 130 : 143, null])
    t.same(readdirSync(scratch), [], 'no file is left behind')
    t.same(processesWith(scratch), [], `no process is left, as ${zope.pid}`)
  })

function isStopped(pid: number): boolean {
  try {
    return /\) T /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'))
  } catch {
    // it has ended meanwhile
    return false
  }
}

void t.test('wrong usage is refused', async t => {
  for (const [args, words] of [
    [['--fast'], "Unknown option '--fast'"],
    [
      ['--only', 'fire'],
      `--only must be one of ${faultKinds.join(', ')}, got "fire"`,
    ],
    [['--product', 'pound'], 'got "pound"'],
    [
      ['--rounds', '0'],
      '--rounds must be a whole number from 1 to 20, got "0"',
    ],
    [['--rounds', '1.5'], 'got "1.5"'],
  ] as const)
    await t.rejects(run(process.execPath, [main, ...args]), {
      code: 2,
      stderr: new RegExp(words.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&')),
    })
  const { stdout } = await run(process.execPath, [main, '--help'])
  t.match(stdout, 'about 15 minutes')
})
