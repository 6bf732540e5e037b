// The processes of the demo: a real httpd with the map program, or Squid with its
// helper; the monitor, three stand-in Zopes and twenty visitors. All on
// loopback ports and in a temporary directory.
import { accountOf, type Account } from '../system/accounts.ts'
import { execFileSync, spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, resolve } from 'node:path'
import { statusOf } from '../status/read.ts'
import type { Liveness, StatusReport } from '../status/report.ts'
import type { Config } from '../config/config.ts'
import { errorCode } from '../system/error-code.ts'
import { loadConfig } from '../config/load.ts'
import type { Front, FrontKind } from './front.ts'
import { startLoad, type Load } from '../lab/load.ts'
import { makeOwner } from '../lab/owner.ts'
import { until } from '../lab/processes.ts'

const dist = resolve(import.meta.dirname, '..')
const command = resolve(dist, 'cli/main.js')

export const backendNames = ['zope1', 'zope2', 'zope3'] as const
export type BackendName = (typeof backendNames)[number]

type Condition = 'running' | 'hanging' | 'dead'

export class Stage {
  readonly kind: FrontKind
  readonly port: number
  /** of the status page */
  readonly pagePort: number
  readonly config: Config
  readonly #owner = makeOwner()
  readonly #root: string
  readonly #account: Account | undefined
  readonly #ports: ReadonlyMap<string, number>
  readonly #backends = new Map<string, ChildProcess>()
  readonly #hanging = new Set<string>()
  readonly #log: number
  #monitor: ChildProcess | undefined
  #front: Front | undefined
  #loads: readonly Load[] = []

  private constructor(
    kind: FrontKind,
    root: string,
    account: Account | undefined,
    port: number,
    pagePort: number,
    ports: ReadonlyMap<string, number>,
  ) {
    this.kind = kind
    this.#root = root
    this.#account = account
    this.port = port
    this.pagePort = pagePort
    this.#ports = ports
    this.#log = openSync(`${root}/programs.log`, 'a')
    this.config = loadConfig(this.configFile)
  }

  get configFile(): string {
    return `${this.#root}/zope-failover.yaml`
  }

  /**
   * Chooses ports and writes files; starts nothing.
   *
   * @param wanted the front's port; undefined = a free one
   * @throws {PortInUse}
   */
  static async prepare(
    kind: FrontKind,
    wanted: number | undefined,
  ): Promise<Stage> {
    const [port = 0, pagePort = 0, ...backendPorts] = await takePorts(
      [wanted ?? 0, 0, ...backendNames.map(() => 0)],
      kind.script,
    )
    const root = mkdtempSync(resolve(tmpdir(), 'zope-failover-demo-'))
    chmodSync(root, 0o755)
    const ports = new Map(
      backendNames.map((name, index) => [name, backendPorts[index] ?? 0]),
    )
    const isOpen = isSearchable(dist) && isSearchable(process.execPath)
    const account =
      isOpen && process.getuid?.() === 0 ? accountOf(kind.user) : undefined
    mkdirSync(`${root}/sentinels`)
    mkdirSync(`${root}/front`)
    if (account !== undefined)
      chownSync(`${root}/sentinels`, account.uid, account.gid)
    writeFileSync(
      `${root}/zope-failover.yaml`,
      configuration(root, pagePort, ports),
    )
    return new Stage(kind, root, account, port, pagePort, ports)
  }

  /** Resolves when everything runs and every backend is up. */
  async start(): Promise<void> {
    for (const name of backendNames) await this.revive(name)
    this.startMonitor()
    const conf = execFileSync(
      process.execPath,
      [command, this.kind.conf, '--config', this.configFile],
      { encoding: 'utf8' },
    )
    this.#front = await this.kind.start(
      this.#owner,
      `${this.#root}/front`,
      this.port,
      conf,
    )
    await this.until('every backend to be up', report =>
      report.backends.every(({ state }) => state === 'up'),
    )
    await until('the status page', async () => {
      try {
        return (await fetch(`http://127.0.0.1:${this.pagePort}/healthz`)).ok
      } catch {
        // its thread does not listen yet
        return false
      }
    })
    // Squid starts its helper with the first request
    const page = await fetch(`http://127.0.0.1:${this.port}/`)
    await page.body?.cancel()
    await until(`the ${this.kind.asked} to answer`, () =>
      this.answering.some(({ kind }) => kind === 'alive'),
    )
    const visitors = { clients: 10, pauseMs: 5, port: this.port }
    this.#loads = [
      startLoad(this.#owner, { ...visitors, hasCookies: false }),
      startLoad(this.#owner, { ...visitors, hasCookies: true }),
    ]
  }

  /** The addresses to open in a browser. */
  get addresses(): string {
    return `site http://127.0.0.1:${this.port}/   status page http://127.0.0.1:${this.pagePort}/`
  }

  /** Visitors without a cookie, and visitors that keep their cookie. */
  get loads(): { newVisitors: Load; sticky: Load } {
    const [newVisitors, sticky] = this.#loads
    if (newVisitors === undefined || sticky === undefined)
      throw new Error('there are no visitors yet')
    return { newVisitors, sticky }
  }

  status(): StatusReport {
    return statusOf(this.config, Date.now())
  }

  /** Waits for a status; throws after a minute. */
  async until(
    what: string,
    holds: (report: StatusReport) => boolean,
  ): Promise<void> {
    await until(what, () => holds(this.status()))
  }

  conditionOf(name: string): Condition {
    if (!this.#backends.has(name)) return 'dead'
    return this.#hanging.has(name) ? 'hanging' : 'running'
  }

  async kill(name: string): Promise<void> {
    const child = this.#backends.get(name)
    if (child === undefined) return
    this.#backends.delete(name)
    this.#hanging.delete(name)
    const exit = once(child, 'exit')
    child.kill('SIGKILL')
    await exit
  }

  /** It accepts connections and never answers. */
  hang(name: string): void {
    if (this.#backends.get(name)?.kill('SIGSTOP') === true)
      this.#hanging.add(name)
  }

  /** Restarts a dead one, continues a hanging one. */
  async revive(name: string): Promise<void> {
    const running = this.#backends.get(name)
    if (running !== undefined) {
      running.kill('SIGCONT')
      this.#hanging.delete(name)
      return
    }
    const port = this.#ports.get(name) ?? 0
    const child = spawn(
      process.execPath,
      [
        resolve(dist, 'lab/backend-server.js'),
        ...['--name', name, '--port', String(port), '--delay', '5'],
      ],
      { stdio: ['ignore', 'pipe', this.#log] },
    )
    this.#backends.set(name, child)
    // it says so when it listens
    if (child.stdout !== null) await once(child.stdout, 'data')
  }

  /** As typed: `zope-failover drain zope1`. @returns what it printed */
  run(...words: string[]): string {
    return execFileSync(
      process.execPath,
      [command, ...words, '--config', this.configFile],
      { encoding: 'utf8' },
    )
  }

  startMonitor(): void {
    this.#monitor = spawn(
      process.execPath,
      [command, 'monitor', '--config', this.configFile],
      {
        ...this.#account,
        // the keys of a terminal are not for the monitor
        detached: true,
        stdio: ['ignore', 'ignore', this.#log],
      },
    )
  }

  get hasMonitor(): boolean {
    return this.#monitor?.exitCode === null && this.#monitor.signalCode === null
  }

  async killMonitor(): Promise<void> {
    if (this.#monitor === undefined || !this.hasMonitor) return
    const exit = once(this.#monitor, 'exit')
    this.#monitor.kill('SIGKILL')
    await exit
  }

  /** The programs that answer httpd or Squid. */
  get answering(): readonly Liveness[] {
    const { maps, readers = [] } = this.status()
    return [
      ...maps.map(map => ({ ...map, program: 'rewritemap' })),
      ...readers,
    ].filter(({ program }) => program === this.kind.program)
  }

  /** Like a crash or the out-of-memory killer. */
  async killAnswering(): Promise<void> {
    const before = this.answering.flatMap(one =>
      one.kind === 'alive' ? [one.pid] : [],
    )
    for (const pid of before) process.kill(pid, 'SIGKILL')
    await until(`the ${this.kind.asked} to be gone`, () =>
      this.answering.every(
        one =>
          one.kind === 'dead' ||
          (one.kind !== 'never-seen' && !before.includes(one.pid)),
      ),
    )
  }

  async reload(): Promise<void> {
    await this.#front?.reload()
  }

  /** Stops all processes and removes all files. */
  async close(): Promise<void> {
    await Promise.all(this.#loads.map(load => load.stop()))
    await this.#owner.end()
    if (this.#monitor !== undefined && this.hasMonitor) {
      const exit = once(this.#monitor, 'exit')
      this.#monitor.kill('SIGTERM')
      await exit
    }
    for (const name of backendNames) await this.kill(name)
    await until(`the ${this.kind.asked} to end`, () => !this.#hasAnswering())
    rmSync(this.#root, { recursive: true, force: true })
  }

  /** Such a program removes its report when it ends. */
  #hasAnswering(): boolean {
    return (
      existsSync(this.config.directory) &&
      readdirSync(this.config.directory).some(
        file =>
          /^(?:rewritemap|squid-helper)-\d+\.json$/.test(file) &&
          existsSync(`/proc/${/\d+/.exec(file)?.[0]}`),
      )
    )
  }

  /** The last lines of all logs. */
  logTail(): string {
    return [
      readFileSync(`${this.#root}/programs.log`, 'utf8'),
      this.#front?.errorLog() ?? '',
    ]
      .flatMap(text => text.split('\n').slice(-15))
      .join('\n')
  }
}

function configuration(
  root: string,
  pagePort: number,
  ports: ReadonlyMap<string, number>,
): string {
  const backends = [...ports].map(
    ([name, port]) => `  ${name}: http://127.0.0.1:${port}`,
  )
  return `# quicker than the defaults, for people who watch
directory: ${root}/sentinels
staleAfter: 3s
status: { listen: 127.0.0.1:${pagePort} }
backends:
${backends.join('\n')}
probe:
  interval: 250ms
  slow: 1s
  timeout: 1s
  rise: 2
  fall: 2
  slowStart: 0s
  damping: false
  dropConnections: false
`
}

/** Whether all users can reach it: not in a private home directory. */
function isSearchable(path: string): boolean {
  const isOpen = (statSync(path).mode & 0o001) !== 0
  return isOpen && (path === '/' || isSearchable(dirname(path)))
}

export class PortInUse extends Error {
  constructor(port: number, script: string) {
    super(
      `port ${port} of 127.0.0.1 is in use: end the program that listens there, or type ${script} -- --port NUMBER with another one`,
    )
    this.name = 'PortInUse'
  }
}

/** Each was free a moment ago; 0 = any. */
async function takePorts(
  wanted: readonly number[],
  script: string,
): Promise<number[]> {
  const servers = wanted.map(() => createServer())
  const ports = []
  for (const [index, server] of servers.entries()) {
    const port = wanted[index] ?? 0
    server.listen(port, '127.0.0.1')
    try {
      await once(server, 'listening')
    } catch (err) {
      throw errorCode(err) === 'EADDRINUSE' ? new PortInUse(port, script) : err
    }
    const address = server.address()
    if (address !== null && typeof address === 'object')
      ports.push(address.port)
  }
  for (const server of servers) server.close()
  return ports
}
