// What a real Squid does when the helper, not a backend, has the fault.
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import t from 'tap'
import { textOf, until } from '../../fixtures/processes.ts'
import {
  get,
  isSteered,
  servedBy,
  startSquidSite,
} from '../../fixtures/squid-site.ts'
import type { Squid } from '../../fixtures/squid.ts'

function childrenOf(pid: number): number[] {
  return (textOf(`/proc/${pid}/task/${pid}/children`) ?? '')
    .split(' ')
    .filter(Boolean)
    .map(Number)
}

/** The helpers, each behind the shell that Squid knows. */
function helpersOf(squid: Squid): number[] {
  return childrenOf(squid.program.pid).flatMap(childrenOf)
}

function signal(pids: readonly number[], name: NodeJS.Signals): void {
  for (const pid of pids)
    try {
      process.kill(pid, name)
    } catch {
      // gone already
    }
}

void t.test(
  'all helpers are stopped: a request waits, and is served',
  async t => {
    const { squid } = await startSquidSite(t)
    const helpers = helpersOf(squid)
    t.teardown(() => signal(helpers, 'SIGCONT'))
    signal(helpers, 'SIGSTOP')
    const answers = await Promise.all(
      Array.from({ length: 10 }, () => get(squid.port, '/')),
    )
    t.strictSame([...new Set(answers.map(({ status }) => status))], [200])
    signal(helpers, 'SIGCONT')
    await isSteered({ squid })
  },
)

for (const [what, spoil] of [
  ['broken', (file: string) => writeFileSync(file, 'backends: [')],
  ['missing', (file: string) => rmSync(file)],
] as const)
  void t.test(`the configuration is ${what} at the start`, async t => {
    let good = ''
    const { squid, configFile } = await startSquidSite(t, {
      hasHelper: false,
      before: file => {
        good = readFileSync(file, 'utf8')
        spoil(file)
      },
    })
    for (let count = 0; count < 100; count++)
      if ((await get(squid.port, '/')).status !== 200) t.fail('not served')
    await until('the log says so', () =>
      squid.cacheLog().includes('no lookup is decided until that is fixed'),
    )
    t.ok(squid.accessLog().every(({ backend }) => backend === '-'))
    writeFileSync(configFile, good)
    await isSteered({ squid })
    t.equal(await servedBy(squid.port), 'zope1')
  })

void t.test('Node is gone at the start: Squid lives and serves', async t => {
  const { squid } = await startSquidSite(t, {
    hasHelper: false,
    edit: conf => conf.replaceAll(process.execPath, '/nowhere/node'),
  })
  for (let count = 0; count < 200; count++)
    if ((await get(squid.port, '/')).status !== 200) t.fail('not served')
  t.notOk(squid.program.isGone())
  await until('the log says so', () =>
    squid.cacheLog().includes('squid-helper ended with 127'),
  )
})
