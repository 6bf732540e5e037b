// `restart` and `--wait` in front of the real httpd, map and monitor; backends that
// stand in are held and killed as the test wants it. However it ends, what is left
// says so. (Under load, with real Zopes: test/system/zope/restart.test.ts.)
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import t, { type Test } from 'tap'
import { bare, main, run, type Outcome } from '../../process/cli/command.ts'
import { Visitor } from '../../../lab/load.ts'
import {
  processesWith,
  publicDirectory,
  startProgram,
  until,
  written,
  type Program,
} from '../../../lab/processes.ts'
import { startSite, type Site } from '../../../lab/site.ts'

// a busy machine is no fault of a backend
const probe =
  'probe: { interval: 200ms, timeout: 30s, slow: 30s, heartbeat: off, rise: 1, slowStart: 0s, damping: false }'

/** Runs the command on this site, to its end. */
function ask(site: Site, ...args: string[]): Outcome {
  return run({ file: site.configFile, directory: site.directory }, args)
}

/** Starts a command that goes on. */
function begin(t: Test, site: Site, ...args: string[]): Program {
  return startProgram(t, 'env', [...bare(site.configFile), main, ...args])
}

async function says(program: Program, text: string): Promise<void> {
  await until(`"${text}"`, () => {
    if (program.output().includes(text)) return true
    if (program.isGone()) throw new Error(program.output())
    return undefined
  })
}

/** The end of a program: its exit code, and what it said. */
async function endOf(
  program: Program,
): Promise<{ code: number | null; said: string }> {
  await program.gone
  return { code: program.child.exitCode, said: program.output() }
}

/** A visitor whose page takes longer than any test. */
async function enter(site: Site, name: string): Promise<() => void> {
  const before = site.backend(name).begun().size
  const visitor = new Visitor({ port: site.httpd.port })
  void visitor.ask('/?delay=600000')
  await until(`a request inside ${name}`, () => {
    return site.backend(name).begun().size > before
  })
  return () => visitor.leave()
}

await t.test('--wait ends when nothing is inside', async t => {
  const site = await startSite(t, { hasMonitor: true, yaml: probe })
  t.match(ask(site, 'drain', 'zope2', '--wait'), {
    code: 0,
    stderr: 'zope2: waiting until it is idle\nzope2: idle\n',
  })
  t.match(ask(site, 'ready', 'zope1', 'zope2'), {
    code: 0,
    stdout: /^zope1: nothing was set\n.*\nzope2: no longer drain\n/,
  })
  const leave = await enter(site, 'zope1')
  // a probe that begins while ss looks counts once
  t.match(ask(site, 'drain', 'zope1', '--wait', '--limit=1s'), {
    code: 1,
    stderr:
      /^zope1: \d requests? in flight after 1s; it stays in drain\n.*type: zope-failover maint NAME --wait$/m,
  })
  const waiting = begin(t, site, 'maint', 'zope1', '--wait')
  await says(waiting, 'zope1: waiting')
  leave()
  // httpd reads its answer to the end, even if the visitor has left
  await site.backend('zope1').kill('SIGKILL')
  // the second chance has gone to the other one
  await site.backend('zope2').kill('SIGKILL')
  t.match(await endOf(waiting), { code: 0, said: /zope1: idle\n$/ })
  t.match(ask(site, 'drain', 'zope1', '--limit=1s'), {
    code: 2,
    stderr: /--limit must come with --wait/,
  })
  t.match(ask(site, 'drain', 'zope1', 'zope1'), {
    code: 2,
    stderr: /zope1 must be given only once/,
  })
})

await t.test('restart, ended at each step', async t => {
  const site = await startSite(t, { hasMonitor: true, yaml: probe })
  const zope1 = site.backend('zope1')
  const desk = publicDirectory(t)
  const [begun, go] = [`${desk}/begun`, `${desk}/go`]
  const command = `echo $ZOPE_FAILOVER_BACKEND {} > ${begun}; until [ -e ${go} ]; do sleep 0.05; done`
  const restart = (...options: string[]): Program =>
    begin(
      t,
      site,
      ...['restart', 'zope1', 'zope2', ...options],
      ...['--', 'sh', '-c', command],
    )
  /** waits for the command, has it end with `act` done */
  const atCommand = async (act: () => Promise<void>): Promise<void> => {
    t.equal(await written(begun), 'zope1 zope1')
    rmSync(begun)
    await act()
    writeFileSync(go, '')
  }
  /** how it ended, what `status` tells then, and all is well again */
  const left = async (
    program: Program,
    code: number,
    said: RegExp,
    status: RegExp | undefined,
  ): Promise<void> => {
    t.match(await endOf(program), { code, said })
    const { stdout } = ask(site, 'status')
    if (status === undefined) t.notMatch(stdout, /restart|maint/)
    else t.match(stdout, status)
    rmSync(go, { force: true })
    if (zope1.program === undefined) await zope1.start()
    ask(site, 'ready', 'zope1')
    await until('both to be up', () => {
      return site.has('zope1.up') && site.has('zope2.up')
    })
  }

  await t.test('while it waits until the backend is idle', async t => {
    const leave = await enter(site, 'zope1')
    const program = restart()
    await says(program, 'zope1: out of service')
    t.match(
      ask(site, 'status').stdout,
      /maint by \S+ until \S+: restart: waiting until it is idle;/,
    )
    program.child.kill('SIGINT')
    await left(
      program,
      130,
      /interrupted by SIGINT; it was not restarted, and everything is as before\nnot started: zope2\n$/,
      undefined,
    )
    leave()
    await zope1.kill('SIGKILL')
    await site.backend('zope2').kill('SIGKILL')
    for (const backend of site.backends) await backend.start()
    await until('both to be up', () => {
      return site.has('zope1.up') && site.has('zope2.up')
    })
  })

  await t.test('while the command runs', async () => {
    const program = restart()
    await atCommand(async () => {
      program.child.kill('SIGTERM')
      await says(program, 'SIGTERM: stopping')
      t.match(
        ask(site, 'status').stdout,
        /maint by \S+ until \S+: restart: the command runs;/,
      )
    })
    await left(
      program,
      143,
      /interrupted by SIGTERM; it stays out of service \(maint\). Once it is healthy, type: zope-failover ready zope1\nnot started: zope2\n$/,
      /maint by \S+: restart: the command is done, waiting until it answers; stopped: interrupted by SIGTERM;/,
    )
  })

  await t.test('while it waits for an answer', async () => {
    const program = restart()
    await atCommand(() => zope1.kill('SIGKILL'))
    await says(program, 'zope1: the command is done')
    program.child.kill('SIGHUP')
    await left(
      program,
      129,
      /interrupted by SIGHUP; it stays out/,
      /restart: the command is done, waiting until it answers; stopped: interrupted by SIGHUP;/,
    )
  })

  await t.test('while it warms up', async () => {
    const program = restart('--warm-up=/?delay=600000')
    await atCommand(async () => {})
    await until('the warm-up', () =>
      ask(site, 'status').stdout.includes('restart: warming up;'),
    )
    program.child.kill('SIGINT')
    await left(
      program,
      130,
      /interrupted by SIGINT; it stays out/,
      /restart: warming up; stopped: interrupted by SIGINT;/,
    )
    // the page goes on inside it
    await zope1.kill('SIGKILL')
    await zope1.start()
    await until('it to be up', () => site.has('zope1.up'))
  })

  await t.test('by a warm-up page with an error', async () => {
    const program = restart('--warm-up=/', '--warm-up=/status/503')
    await atCommand(async () => {})
    await left(
      program,
      1,
      /GET \/: 200 in \d+ ms\n.*GET \/status\/503: 503 in .*gave 503; it stays out/s,
      /warming up; stopped: GET \/status\/503 gave 503;/,
    )
  })

  await t.test('by a command that fails', async () => {
    await left(
      begin(t, site, 'restart', 'zope1', 'zope2', '--', 'sh', '-c', 'exit 7'),
      1,
      /the command exited with 7; it stays out of service/,
      /restart: the command runs; stopped: the command exited with 7;/,
    )
  })

  await t.test('by a user who removes the file', async () => {
    const program = restart()
    await atCommand(async () => {
      ask(site, 'ready', 'zope1')
    })
    await left(program, 1, /zope1.maint was changed/, undefined)
  })

  await t.test('by the death of the program', async t => {
    const program = restart()
    await atCommand(async () => {
      await program.kill('SIGKILL')
    })
    t.match(
      readFileSync(`${site.directory}/zope1.maint`, 'utf8'),
      /^until: \S+Z\nby: \S+\nreason: restart: the command runs\n$/,
      'it ends by itself',
    )
    // the command goes on without it, and holds its outputs
    await until('the command to end', () => processesWith(go).length === 0)
    rmSync(go)
  })

  await t.test('before it begins', async t => {
    t.match(ask(site, 'restart', 'zope1', '--', 'true'), {
      code: 1,
      stderr:
        /^zope1 is already in maint by \S+: restart: the command runs; to end that, type: zope-failover ready zope1$/m,
    })
    ask(site, 'ready', 'zope1')
    ask(site, 'drain', 'zope2')
    t.match(ask(site, 'restart', 'zope1', '--', 'true'), {
      code: 1,
      stderr:
        /^zope1: pool default needs 1 other up \(minAlive 1\), got 0: zope2 is drain; it was not restarted/,
    })
    t.match(ask(site, 'restart', 'zope1'), { code: 2, stderr: /a command/ })
    t.match(ask(site, 'restart', '--', 'true'), { code: 2 })
    t.match(ask(site, 'restart', 'zope9', '--', 'true'), { code: 2 })
    t.match(ask(site, 'restart', 'zope1', '--warm-up=x', '--', 'true'), {
      code: 2,
    })
    t.notOk(site.has('zope1.maint'))
  })
})

await t.test('ended in slow start, when visitors come again', async t => {
  const site = await startSite(t, {
    hasMonitor: true,
    yaml: probe.replace('slowStart: 0s', 'slowStart: 1h'),
  })
  const zope1 = site.backend('zope1')
  const desk = publicDirectory(t)
  const command = `echo > ${desk}/begun; until [ -e ${desk}/go ]; do sleep 0.05; done`
  const program = begin(
    t,
    site,
    ...['restart', 'zope1', 'zope2', '--', 'sh', '-c', command],
  )
  await until('the command', () => existsSync(`${desk}/begun`))
  await zope1.kill('SIGKILL')
  await until('it to be down', () => !site.has('zope1.up'))
  await zope1.start()
  writeFileSync(`${desk}/go`, '')
  await says(program, 'zope1: in service again')
  program.child.kill('SIGINT')
  t.match(await endOf(program), {
    code: 130,
    said: /zope1: interrupted by SIGINT; it is in service\nnot started: zope2\n$/,
  })
  const { stdout } = ask(site, 'status')
  t.match(stdout, /zope1 .* warming .*; its share grows for 1h$/m)
  t.notMatch(stdout, /restart|maint/)
})
