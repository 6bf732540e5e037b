// `zope-failover observe` as httpd runs it: what fails for a visitor reaches the
// monitor at once, and nothing that befalls the observer reaches a visitor.
import { chmodSync, chownSync, rmSync, statSync, writeFileSync } from 'node:fs'
import t from 'tap'
import {
  brief,
  failuresOf,
  more,
  startLoad,
  Visitor,
} from '../../../lab/load.ts'
import {
  jsonLines,
  processesWith,
  publicDirectory,
  textOf,
  until,
  type ProcessInfo,
  type Line,
} from '../../../lab/processes.ts'
import { startSite, type Site, type SiteOptions } from '../../../lab/site.ts'

/** One probe at the start and then none for an hour, unless one is asked for. */
const seldom =
  'probe: { interval: 1h, fall: 1, timeout: 1s, slow: 500ms, slowStart: 0s, heartbeat: off }'

async function observedSite(
  t: Parameters<typeof startSite>[0],
  options: SiteOptions = {},
): Promise<Site> {
  const site = await startSite(t, { ...options, conf: ['--observe'] })
  // httpd reads its configuration twice, and starts its piped logs each time
  await until('one observer, and its start', () => {
    const [observer, another] = observers(site)
    return (
      another === undefined &&
      logged(site, 'observer started').some(({ pid }) => pid === observer?.pid)
    )
  })
  return site
}

/** The observer itself, without the shell that reads on when it cannot start. */
function observers(site: Site): ProcessInfo[] {
  return processesWith(`observe --config ${site.configFile}`).filter(
    ({ command }) => !command.startsWith('/bin/sh'),
  )
}

/** The JSON lines of the observer in httpd's error log with this message. */
function logged(site: Site, message: string): Line[] {
  return jsonLines(site.httpd.errorLog()).filter(({ msg }) => msg === message)
}

async function ask(site: Site, path = '/'): Promise<number | undefined> {
  const visitor = new Visitor({ port: site.httpd.port })
  const { status } = await visitor.ask(path)
  visitor.leave()
  return status
}

void t.test('a dead backend is probed within one request', async t => {
  const site = await observedSite(t, { hasMonitor: true, yaml: seldom })
  t.equal(await ask(site), 200)
  await site.backend('zope1').kill('SIGKILL')
  t.ok(site.has('zope1.up'), 'not noticed yet')
  const startMs = Date.now()
  t.equal(await ask(site), 200, 'zope2 serves')
  const answeredMs = Date.now()
  await until('the monitor to call it down', () => !site.has('zope1.up'))
  const suspected = await until('the log to tell', () =>
    logged(site, 'backend suspected').at(0),
  )
  const verdict = await until('the monitor to tell', () =>
    /"time":"([^"]+)".*"state":"down"/
      .exec(site.monitor?.output() ?? '')
      ?.at(1),
  )
  const after = (time: unknown): string =>
    `${Date.parse(String(time)) - startMs} ms`
  t.comment(
    `from the start of the failing request to its answer ${answeredMs - startMs} ms, to the suspicion ${after(suspected['time'])}, to the verdict of the probe that it caused ${after(verdict)}`,
  )
  t.notOk(site.has('zope1.suspect'), 'the monitor took the suspicion away')
})

for (const [what, path, outcome] of [
  ['dies inside a request', '/?delay=2000', 'lost'],
  ['answers with an error page', '/status/500', 'error'],
] as const)
  void t.test(`a backend that ${what} is suspected`, async t => {
    const site = await observedSite(t)
    t.equal(await ask(site), 200)
    await until('the good answer to be noted', () => site.has('zope1.served'))
    const ageMs =
      Date.now() - statSync(`${site.directory}/zope1.served`).mtimeMs
    t.ok(Math.abs(ageMs) < 60_000, 'with its time')
    t.notOk(site.has('zope1.suspect'))
    const asked = ask(site, path)
    if (outcome === 'lost') {
      const zope1 = site.backend('zope1')
      await until('the request to be inside', () => zope1.begun().size === 2)
      await zope1.kill('SIGKILL')
    }
    await asked
    await until('the suspicion', () => site.has('zope1.suspect'))
    await until(
      'it is logged',
      () => logged(site, 'backend suspected').length > 0,
    )
    t.match(logged(site, 'backend suspected'), [{ backend: 'zope1', outcome }])
    t.notOk(site.has('zope2.suspect'), 'no other backend')
    t.equal(
      statSync(`${site.directory}/zope1.suspect`).uid,
      statSync(site.directory).uid,
      "by the directory's owner",
    )
  })

void t.test('a visitor cannot make a backend suspect', async t => {
  const site = await observedSite(t)
  const forged = encodeURIComponent(
    'x\nzf1 1795362578160 first=zope1,502,-,- last=zope1,502,-,- answer=zope1 zope2\n',
  )
  for (const path of [
    `/${forged}`,
    `/?${forged}`,
    '/"',
    '/first=zope1,502,-,-',
  ])
    await ask(site, path)
  const visitor = new Visitor({ port: site.httpd.port })
  visitor.cookies.set('zope_route', 'zope2 answer=zope1')
  await visitor.ask('/')
  visitor.leave()
  await site.httpd.stop()
  t.match(logged(site, 'observer ended').at(-1), { dropped: 0, unreadable: 0 })
  t.strictSame(logged(site, 'backend suspected'), [])
  t.notOk(site.has('zope1.suspect'))
})

void t.test('an observer that is killed is replaced', async t => {
  const site = await observedSite(t)
  const load = startLoad(t, { port: site.httpd.port })
  const pids = observers(site).map(({ pid }) => pid)
  t.equal(pids.length, 1)
  for (const pid of pids) process.kill(pid, 'SIGKILL')
  await until('httpd to start another one', () =>
    observers(site).some(({ pid }) => !pids.includes(pid)),
  )
  await more(load, 100)
  t.strictSame(
    failuresOf(await load.stop()).map(brief),
    [],
    'no visitor noticed',
  )
  await site.backend('zope1').kill('SIGKILL')
  await until('the new one to suspect', async () => {
    await ask(site)
    return site.has('zope1.suspect')
  })
})

// A stand-in for Node, which dies at once where httpd's unit has
// MemoryDenyWriteExecute. Not every kernel can forbid that to a single process.
void t.test('an observer that cannot start', async t => {
  const root = publicDirectory(t)
  writeFileSync(
    `${root}/observer`,
    `#!/bin/sh\necho $PPID >>${root}/starts\nkill -TRAP $$\n`,
    { mode: 0o755 },
  )
  const beganMs = performance.now()
  const site = await startSite(t, {
    conf: ['--observe'],
    edit: conf =>
      conf.replace(/\S+ \S+ observe --config [^ ;]+/, `${root}/observer`),
  })
  /** How often each shell has started it. */
  const starts = (): Map<string, number> => {
    const counts = new Map<string, number>()
    for (const shell of textOf(`${root}/starts`)?.trim().split('\n') ?? [])
      counts.set(shell, (counts.get(shell) ?? 0) + 1)
    return counts
  }
  const startedAgain = async (before: readonly string[]): Promise<void> => {
    await until('a shell to start it a second time', () =>
      [...starts()].some(
        ([shell, count]) => count > 1 && !before.includes(shell),
      ),
    )
  }
  await startedAgain([])
  // some 130 bytes each: three times what the pipe takes
  const load = startLoad(t, { port: site.httpd.port, pauseMs: 0 })
  await more(load, 1_500)
  const old = [...starts().keys()]
  // resolves with the new children serving; the old shell would wait for 30 s
  await site.httpd.graceful()
  await startedAgain(old)
  await more(load, 1_500)
  t.strictSame(failuresOf(await load.stop()).map(brief), [])
  await site.httpd.stop()
  const most = 3 + (performance.now() - beganMs) / 30_000
  for (const [shell, count] of starts())
    t.ok(count <= most, `${count} starts by shell ${shell}`)
  // httpd reads its configuration twice at the start and once at a graceful
  t.ok(starts().size <= 3, 'httpd itself never starts one again')
  t.notMatch(site.httpd.errorLog(), /AH00106/)
})

void t.test('a stopped observer delays no request', async t => {
  const site = await observedSite(t)
  const [observer] = observers(site)
  if (observer === undefined) throw new Error('no observer')
  process.kill(observer.pid, 'SIGSTOP')
  await site.backend('zope1').kill('SIGKILL')
  try {
    // 200 lines of 130 bytes: the pipe takes 65,536
    for (let count = 0; count < 200; count++) t.equal(await ask(site), 200)
    t.notOk(site.has('zope1.suspect'))
  } finally {
    process.kill(observer.pid, 'SIGCONT')
  }
  await ask(site)
  await until('it to catch up', () => site.has('zope1.suspect'))
})

void t.test('a flood that is not read delays no request', async t => {
  const site = await observedSite(t, { hasMonitor: true, yaml: seldom })
  // a monitor that is stopped, and a directory that takes no more files
  site.monitor?.child.kill('SIGSTOP')
  const { mode, uid } = statSync(site.directory)
  if (uid === 0) chownSync(site.directory, 65_534, 65_534)
  chmodSync(site.directory, 0o555)
  rmSync(`${site.directory}/zope1.served`, { force: true })
  await site.backend('zope1').kill('SIGKILL')
  const load = startLoad(t, { port: site.httpd.port, pauseMs: 0 })
  await more(load, 3_000)
  t.strictSame(failuresOf(await load.stop()).map(brief), [])
  t.match(logged(site, 'cannot write to the directory, dropping suspicions'), [
    { err: 'EACCES' },
  ])
  chmodSync(site.directory, mode)
  await until('suspicions again', async () => {
    await ask(site)
    return site.has('zope1.suspect')
  })
  await site.httpd.stop()
  const ended = logged(site, 'observer ended').at(-1)
  t.comment(
    `${String(ended?.['lines'])} lines, ${String(ended?.['dropped'])} notes dropped`,
  )
  t.ok(Number(ended?.['unwritten']) > 0, 'what was dropped is logged')
  t.equal(ended?.['skipped'], 0)
})

void t.test(
  'a graceful restart keeps both the old and the new one',
  async t => {
    const site = await observedSite(t)
    const pids = observers(site).map(({ pid }) => pid)
    const visitor = new Visitor({ port: site.httpd.port })
    // inside an old child while httpd restarts
    const slow = visitor.ask('/?delay=3000')
    await until(
      'it to be inside',
      () => site.backend('zope1').begun().size === 1,
    )
    await site.httpd.graceful()
    await until('a new one', () =>
      observers(site).some(({ pid }) => !pids.includes(pid)),
    )
    t.ok(
      observers(site).some(({ pid }) => pids.includes(pid)),
      'the old one still reads',
    )
    t.equal((await slow).status, 200)
    visitor.leave()
    await until('the old one to end', () =>
      observers(site).every(({ pid }) => !pids.includes(pid)),
    )
    t.ok(site.has('zope1.served'), 'and it had noted the last answer')
  },
)
