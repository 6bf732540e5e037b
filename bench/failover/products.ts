// The products compared, each in front of the same two Zopes, primary and
// standby, with the settings its users would choose. docs/benchmarks.md shows
// them.
import { execFile, execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'
import { promisify } from 'node:util'
import { loadModules, startHttpd } from '../../lab/httpd.ts'
import {
  dist,
  freePort,
  publicDirectory,
  startProgram,
  until,
  type Owner,
  type Program,
} from '../../lab/processes.ts'
import { mapUser } from '../../lab/site.ts'
import { ask } from '../../lab/zope-client.ts'
import type { Zope } from '../../lab/zope.ts'
import {
  ask as askHaproxy,
  findChecker,
  launchMonitor,
} from '../health/checkers.ts'

/** Primary and standby. */
export type Zopes = readonly [Zope, Zope]

/** A product in front of the two Zopes. */
export type Running = {
  /** the URL for visitors */
  readonly port: number
  /** reloads its configuration, in the way its users do */
  readonly reload: () => Promise<void>
  /** takes the primary out of service for a planned stop */
  readonly takeOut: () => Promise<void>
  readonly putBack: () => Promise<void>
  /** since its start */
  readonly log: () => string
}

type Product = {
  readonly title: string
  /** resolves when it serves and has finished learning */
  readonly start: (owner: Owner, zopes: Zopes) => Promise<Running>
}

export const products = {
  defaults: {
    title: 'zope-failover',
    start: (owner, zopes) => startOurs(owner, zopes, {}),
  },
  quick: {
    title: 'the same, quick',
    start: (owner, zopes) =>
      startOurs(owner, zopes, {
        probe: {
          interval: '250ms',
          slow: '250ms',
          heartbeat: { interval: '100ms', timeout: '250ms' },
        },
      }),
  },
  haproxy: {
    title: 'HAProxy, usual',
    start: (owner, zopes) =>
      startHaproxy(
        owner,
        zopes,
        `timeout connect 5s
  option redispatch
  default-server inter 2s fall 3 rise 2`,
      ),
  },
  'haproxy-best': {
    title: 'HAProxy, best',
    start: (owner, zopes) =>
      startHaproxy(
        owner,
        zopes,
        `timeout connect 1s
  timeout check 1s
  option redispatch 1
  retries 3
  retry-on conn-failure empty-response junk-response
  http-request disable-l7-retry unless METH_GET
  default-server inter 250ms fastinter 100ms fall 2 rise 2 observe layer7 error-limit 3 on-error mark-down on-marked-down shutdown-sessions`,
      ),
  },
  nginx: { title: 'nginx', start: startNginx },
  balancer: {
    title: 'mod_proxy_balancer',
    start: (owner, zopes) => startBalancer(owner, zopes, ''),
  },
  hcheck: {
    title: '… with hcheck',
    start: (owner, zopes) =>
      startBalancer(
        owner,
        zopes,
        ' hcmethod=GET hcuri=/ hcinterval=1 hcfails=2 hcpasses=2',
      ),
  },
} as const satisfies Readonly<Record<string, Product>>

export type ProductName = keyof typeof products

/** As README installs it. */
async function startOurs(
  owner: Owner,
  zopes: Zopes,
  keys: object,
): Promise<Running> {
  const { program, config, sentinels } = launchMonitor(
    owner,
    new Map(zopes.map(({ name, port }) => [name, port])),
    keys,
  )
  const command = [`${dist}/cli/main.js`]
  const user = mapUser(sentinels)
  await until('both Zopes are up, and their heartbeats learned', () => {
    if (program.isGone()) throw new Error(program.output())
    return zopes.every(({ name }) =>
      program
        .output()
        .split('\n')
        .some(
          line =>
            line.includes('"msg":"heartbeat learned') &&
            line.includes(`"backend":"${name}"`),
        ),
    )
  })
  const conf = execFileSync(
    process.execPath,
    [
      ...command,
      'apache-conf',
      `--config=${config}`,
      '--url=http://www.example.org',
      ...user,
    ],
    { encoding: 'utf8' },
  )
  const httpd = await startHttpd(owner, { conf })
  const run = promisify(execFile)
  const steer = async (...order: readonly string[]): Promise<void> => {
    const named = [...order, zopes[0].name, `--config=${config}`]
    await run(process.execPath, [...command, ...named])
  }
  return {
    port: httpd.port,
    reload: httpd.graceful,
    takeOut: () => steer('maint'),
    putBack: () => steer('ready'),
    log: () => `${program.output()}${httpd.errorLog()}`,
  }
}

async function startHaproxy(
  owner: Owner,
  zopes: Zopes,
  settings: string,
): Promise<Running> {
  const directory = publicDirectory(owner)
  const socket = `${directory}/stats`
  const port = await freePort()
  const file = `${directory}/haproxy.cfg`
  const [primary, standby] = zopes
  writeFileSync(
    file,
    `global
  log stderr format iso local0 notice
  stats socket ${socket} mode 600 level admin expose-fd listeners
  hard-stop-after 60s
defaults
  mode http
  log global
  timeout client 60s
  timeout server 60s
frontend visitors
  bind 127.0.0.1:${port}
  default_backend zopes
backend zopes
  option httpchk GET /
  ${settings}
  server ${primary.name} 127.0.0.1:${primary.port} check
  server ${standby.name} 127.0.0.1:${standby.port} check backup
`,
  )
  const program = startProgram(owner, findChecker('haproxy'), [
    '-W',
    '-db',
    '-f',
    file,
  ])
  endByTerm(owner, program)
  await serves(program, port)
  const setState = async (state: string): Promise<void> => {
    const answer = await askHaproxy(
      socket,
      `set server zopes/${primary.name} state ${state}\n`,
    )
    if (answer.trim() !== '') throw new Error(`haproxy: ${answer}`)
  }
  return {
    port,
    reload: () => signal(program, 'SIGUSR2'),
    takeOut: () => setState('drain'),
    putBack: () => setState('ready'),
    log: program.output,
  }
}

async function startNginx(owner: Owner, zopes: Zopes): Promise<Running> {
  const directory = publicDirectory(owner)
  const port = await freePort()
  const file = `${directory}/nginx.conf`
  const [primary, standby] = zopes
  const write = (state: '' | ' down'): void =>
    writeFileSync(
      file,
      `daemon off;
pid ${directory}/nginx.pid;
error_log ${directory}/error.log notice;
worker_processes 2;
${process.getuid?.() === 0 ? 'user www-data;' : ''}
events { worker_connections 1024; }
http {
  access_log off;
${['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
  .map(kind => `  ${kind}_temp_path ${directory}/${kind};`)
  .join('\n')}
  upstream zopes {
    server 127.0.0.1:${primary.port} max_fails=2 fail_timeout=5s${state};
    server 127.0.0.1:${standby.port} backup;
    keepalive 16;
  }
  server {
    listen 127.0.0.1:${port};
    location / {
      proxy_pass http://zopes;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_set_header Host $host;
      proxy_connect_timeout 2s;
      proxy_read_timeout 60s;
      proxy_next_upstream error timeout http_502 http_503 http_504;
      proxy_next_upstream_tries 2;
    }
  }
}
`,
    )
  write('')
  const program = startProgram(owner, findChecker('nginx'), [
    '-c',
    file,
    '-p',
    directory,
    '-e',
    `${directory}/error.log`,
  ])
  endByTerm(owner, program)
  await serves(program, port)
  const reload = (): Promise<void> => signal(program, 'SIGHUP')
  return {
    port,
    reload,
    takeOut: () => {
      write(' down')
      return reload()
    },
    putBack: () => {
      write('')
      return reload()
    },
    log: program.output,
  }
}

/** @param check the settings of mod_proxy_hcheck for each member */
async function startBalancer(
  owner: Owner,
  zopes: Zopes,
  check: string,
): Promise<Running> {
  const [primary, standby] = zopes
  const httpd = await startHttpd(owner, {
    extra: check === '' ? '' : loadModules(['proxy_hcheck']),
    conf: `ProxyRequests Off
ProxyTimeout 60
<Proxy "balancer://zopes">
  BalancerMember "http://127.0.0.1:${primary.port}" retry=5 connectiontimeout=2 timeout=60${check}
  BalancerMember "http://127.0.0.1:${standby.port}" status=+H retry=5 connectiontimeout=2 timeout=60${check}
</Proxy>
<Location "/balancer-manager">
  SetHandler balancer-manager
</Location>
ProxyPass "/balancer-manager" "!"
ProxyPass "/" "balancer://zopes/"
ProxyPassReverse "/" "balancer://zopes/"
`,
  })
  const manager = `http://127.0.0.1:${httpd.port}/balancer-manager`
  const setDisabled = async (isDisabled: boolean): Promise<void> => {
    const { body } = await ask(manager)
    const nonce = /nonce=([\w-]+)/.exec(body)?.[1] ?? ''
    const answer = await fetch(manager, {
      method: 'POST',
      headers: { Referer: manager },
      body: new URLSearchParams({
        b: 'zopes',
        w: primary.url,
        nonce,
        w_status_D: isDisabled ? '1' : '0',
      }),
    })
    const isNow = / Dis /.test(await answer.text())
    if (isNow !== isDisabled)
      throw new Error(`balancer-manager did not change ${primary.url}`)
  }
  return {
    port: httpd.port,
    reload: httpd.graceful,
    takeOut: () => setDisabled(true),
    putBack: () => setDisabled(false),
    log: httpd.errorLog,
  }
}

/** On a signal, it stops its workers, too. */
function endByTerm(owner: Owner, { isGone, kill }: Program): void {
  owner.teardown(() => isGone() || kill('SIGTERM'))
}

/** A reload is asynchronous. */
async function signal(program: Program, name: NodeJS.Signals): Promise<void> {
  program.child.kill(name)
  await pause(100)
}

async function serves(program: Program, port: number): Promise<void> {
  await until('it serves', async () => {
    if (program.isGone())
      throw new Error(`${program.child.spawnfile}: ${program.output()}`)
    // connections are refused until it listens
    return ask(`http://127.0.0.1:${port}/`).then(
      ({ status }) => status === 200,
      () => false,
    )
  })
}
