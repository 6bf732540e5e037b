// The checkers that are compared, each as an administrator would configure it,
// and their verdicts on every backend.
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import {
  dist,
  freePort,
  publicDirectory,
  startProgram,
  until,
  type Owner,
  type Program,
} from '../../lab/processes.ts'
import { sentinelFile } from '../../sentinels/names.ts'
import { checkout, findProgram } from '../tools.ts'
import type { Word } from './timeline.ts'

/** Name of a backend → its port on loopback. */
type Ports = ReadonlyMap<string, number>

export type Checker = {
  readonly name: string
  /** its current verdict on each backend */
  readonly look: () => Promise<ReadonlyMap<string, Word>>
  /** its log of one backend; undefined = it has none */
  readonly log?: (backend: string) => string
}

/** A pool for our monitor; the others have no such setting. */
type PoolOf = Readonly<
  Record<string, { readonly members: readonly string[]; minAlive?: number }>
>

export const quickSettings = {
  interval: '250ms',
  slow: '500ms',
  heartbeat: { interval: '100ms', timeout: '250ms' },
  deep: { path: '/@@probe', interval: '2s', timeout: '1s' },
}

type Monitor = {
  readonly program: Program
  /** its configuration file */
  readonly config: string
  /** the sentinel directory */
  readonly sentinels: string
}

/** @param keys of the configuration, in addition to backends and directory */
export function launchMonitor(
  owner: Owner,
  ports: Ports,
  keys: object,
): Monitor {
  const config = `${publicDirectory(owner)}/zope-failover.yaml`
  const sentinels = publicDirectory(owner)
  const backends = Object.fromEntries(
    [...ports].map(([backend, port]) => [backend, `http://127.0.0.1:${port}`]),
  )
  writeFileSync(
    config,
    JSON.stringify({ directory: sentinels, backends, ...keys }),
  )
  const program = startProgram(owner, process.execPath, [
    `${dist}/cli/main.js`,
    'monitor',
    '--config',
    config,
  ])
  return { program, config, sentinels }
}

export function startMonitor(
  owner: Owner,
  name: string,
  ports: Ports,
  probe: object,
  pools: PoolOf,
): Checker {
  const {
    program: { output },
    sentinels,
  } = launchMonitor(owner, ports, {
    pools: Object.fromEntries(
      Object.entries(pools).map(([pool, is]) => [
        pool,
        { policy: 'balance', ...is },
      ]),
    ),
    probe,
  })
  return {
    name,
    log: backend =>
      output()
        .split('\n')
        .filter(line => line.includes(`"backend":"${backend}"`))
        .join('\n'),
    look: async () =>
      new Map(
        [...ports.keys()].map(backend => [
          backend,
          wordOf(`${sentinels}/${sentinelFile(backend, 'up')}`),
        ]),
      ),
  }
}

function wordOf(file: string): Word {
  try {
    return readFileSync(file, 'utf8').trim() === '0' ? 'last' : 'in'
  } catch {
    // no file: not up
    return 'out'
  }
}

const waysToGet = {
  haproxy: 'apt-get install --no-install-recommends haproxy',
  apache2: 'apt-get install --no-install-recommends apache2-bin',
  nginx: 'sh prepare-zope.sh',
} as const

/** @throws with the command to type */
export function findChecker(name: keyof typeof waysToGet): string {
  // unpacked from Debian's package, because installing it would start a server
  const unpacked = `${checkout}/.venv/${name}`
  const program =
    findProgram(name) ?? (existsSync(unpacked) ? unpacked : undefined)
  if (program === undefined)
    throw new Error(`${name} is missing; type: ${waysToGet[name]}`)
  return program
}

const haproxySettings = {
  usual: 'default-server inter 2s fall 3 rise 2',
  best: `timeout check 1s
  default-server inter 250ms fastinter 100ms fall 1 rise 2`,
} as const

type HaproxySetUp = keyof typeof haproxySettings

/** HAProxy's setups, in one process, checking the page `path`. */
export async function startHaproxy(
  owner: Owner,
  ports: Ports,
  setUps: readonly HaproxySetUp[] = ['usual', 'best'],
  path = '/',
): Promise<Checker[]> {
  const program = findChecker('haproxy')
  const directory = publicDirectory(owner)
  const socket = `${directory}/stats`
  const servers = [...ports]
    .map(([name, port]) => `  server ${name} 127.0.0.1:${port} check`)
    .join('\n')
  const file = `${directory}/haproxy.cfg`
  writeFileSync(
    file,
    `global
  stats socket ${socket} mode 600
defaults
  mode http
  timeout connect 5s
  timeout client 60s
  timeout server 60s
frontend visitors
  bind 127.0.0.1:${await freePort()}
  default_backend ${setUps[0]}
${setUps
  .map(
    setUp => `backend ${setUp}
  option httpchk GET ${path}
  ${haproxySettings[setUp]}
${servers}`,
  )
  .join('\n')}
`,
  )
  const { isGone, output } = startProgram(owner, program, ['-db', '-f', file])
  await until('HAProxy listens', () => {
    if (isGone()) throw new Error(`haproxy did not start: ${output()}`)
    return existsSync(socket)
  })
  return setUps.map(backend => ({
    name: `HAProxy, ${backend}`,
    look: async () => haproxyWords(await ask(socket, 'show stat\n'), backend),
  }))
}

/** The servers of one backend from `show stat`. */
export function haproxyWords(csv: string, backend: string): Map<string, Word> {
  const [head = '', ...lines] = csv.split('\n')
  const column = head.split(',').indexOf('status')
  return new Map(
    lines
      .map(line => line.split(','))
      .filter(([of, name]) => of === backend && name !== 'BACKEND')
      // "UP 2/3" still gets new visitors, "DOWN 1/2" still none
      .map(cells => [
        cells[1] ?? '',
        cells[column]?.startsWith('UP') === true ? 'in' : 'out',
      ]),
  )
}

/** @returns HAProxy's answer on its socket */
export function ask(path: string, question: string): Promise<string> {
  return new Promise((done, failed) => {
    let text = ''
    const socket = connect(path)
    socket.on('error', failed)
    socket.on('data', (chunk: Buffer) => (text += chunk.toString()))
    socket.on('end', () => done(text))
    socket.write(question)
  })
}

const hcheckModules = [
  'mpm_event',
  'authz_core',
  'slotmem_shm',
  'proxy',
  'proxy_http',
  'proxy_balancer',
  'proxy_hcheck',
  'lbmethod_byrequests',
]

/** mod_proxy_hcheck, one httpd per setup, checking the page `path`. */
export async function startHcheck(
  owner: Owner,
  ports: Ports,
  name: string,
  settings: string,
  path = '/',
): Promise<Checker> {
  const program = findChecker('apache2')
  const directory = publicDirectory(owner)
  const port = await freePort()
  const file = `${directory}/httpd.conf`
  writeFileSync(
    file,
    `ServerRoot ${directory}
DefaultRuntimeDir ${directory}
PidFile ${directory}/httpd.pid
ErrorLog ${directory}/error.log
ServerName localhost
${process.getuid?.() === 0 ? 'User www-data\nGroup www-data' : ''}
${hcheckModules.map(module => `LoadModule ${module}_module /usr/lib/apache2/modules/mod_${module}.so`).join('\n')}
Listen 127.0.0.1:${port}
ProxyHCTPsize 32
<Proxy balancer://zopes>
${[...ports.values()].map(of => `  BalancerMember http://127.0.0.1:${of} hcmethod=GET hcuri=${path} ${settings}`).join('\n')}
</Proxy>
ProxyPass /site balancer://zopes
<Location /manager>
  SetHandler balancer-manager
  Require all granted
</Location>
`,
  )
  const { isGone, output, kill } = startProgram(owner, program, [
    '-DFOREGROUND',
    '-f',
    file,
  ])
  // on a signal, it stops its children, too
  owner.teardown(() => isGone() || kill('SIGTERM'))
  const byPort = new Map([...ports].map(([backend, of]) => [of, backend]))
  const look = async (): Promise<Map<string, Word>> => {
    const answer = await fetch(`http://127.0.0.1:${port}/manager`)
    return hcheckWords(await answer.text(), byPort)
  }
  await until('httpd serves', () => {
    if (isGone()) throw new Error(`apache2 did not start: ${output()}`)
    return look().then(
      words => words.size === ports.size,
      // connections are refused until it listens
      () => false,
    )
  })
  return { name, look }
}

/** The state of each member from the page of balancer-manager. */
export function hcheckWords(
  html: string,
  byPort: ReadonlyMap<number, string>,
): Map<string, Word> {
  return new Map(
    html.split('<tr>').flatMap(row => {
      const port = />http:\/\/127\.0\.0\.1:(\d+)<\/a>/.exec(row)?.[1]
      const backend = byPort.get(Number(port))
      return backend === undefined
        ? []
        : [[backend, />Init [^<]*HcFl/.test(row) ? 'out' : 'in'] as const]
    }),
  )
}
