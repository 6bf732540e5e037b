// One real httpd on loopback with a virtual host per map program; each serves
// the same tiny file, named by the map program's answer.
import { readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { fill } from '../apache-conf/template.ts'
import { textMapFile } from '../sentinels/names.ts'
import type { MapProgram } from './programs.ts'
import { exitOf, type Scratch } from './scratch.ts'
import { backends, pool } from './sentinel-directory.ts'
import { findProgram } from './tools.ts'

export type Site = {
  readonly name: string
  /** undefined = the file is served without a lookup */
  readonly map: MapProgram | undefined
  /** the rules in its place */
  readonly rules?: string
  /** the `Cookie` header of each request; omitted: new visitors */
  readonly cookie?: string
}

/**
 * A site of style prg, with the very rules that look for sticky visitors in the
 * text map of the map's directory; only new visitors ask the map program.
 */
export function siteWithSticky(name: string, map: MapProgram): Site {
  const names = backends.join('|')
  const textMap = `${map.directory}/${textMapFile}`
  const sticky = fill(
    readFileSync(
      new URL('../apache-conf/prg-sticky.conf', import.meta.url),
      'utf8',
    ),
    {
      directory: map.directory,
      directoryInExpr: map.directory,
      textMap,
      pool,
      names,
      relaxed: false,
      askRules: 1,
    },
  )
  return {
    name,
    map,
    rules: `RewriteMap zope "prg:${map.argv.join(' ')}"
  RewriteMap zopes "rnd:${textMap}"
  RewriteCond "%{HTTP_COOKIE}" "(?:^|;\\s*)zope_route=(${names})\\s*(?:;|$)" [NV]
  RewriteRule "^" "-" [E=ZF_ROUTE:%1]
  ${sticky}
  ${lookupCondition}
  RewriteRule "^" "-" "[E=ZF_ANSWER:%2 %3]"
  RewriteCond "%{ENV:ZF_ANSWER}" "^(\\S+) "
  RewriteRule ^${sitePath}$ /%1.txt [L]`,
  }
}

const lookupCondition = `RewriteCond "%{ENV:UNIQUE_ID} \${zope:%{ENV:UNIQUE_ID} ${pool} - %{REMOTE_ADDR}}" "^(\\S+) \\1 ([a-z][a-z0-9-]*) (\\S+)$"`

/** The rules of the styles without a map program for a new visitor. */
export function sitesWithoutProgram(directory: string): Site[] {
  const test = (name: string, kind: string, flag: string): string =>
    `RewriteCond "${directory}/${name}.${kind}" ${flag}`
  const textMap = `${directory}/${textMapFile}`
  const names = backends.join('|')
  return [
    {
      name: 'text map (--style txt)',
      map: undefined,
      rules: `RewriteMap zopes "rnd:${textMap}"
  RewriteCond "${textMap}" -f
  RewriteCond "\${zopes:${pool}}" "^(${names})$"
  ${test('%1', 'drain', '!-f')}
  ${test('%1', 'maint', '!-f')}
  RewriteCond "%1 \${zopes:${pool}/%1}" "^(\\S+) (${names}|-)$"
  RewriteRule ^${sitePath}$ /%1.txt [L]`,
    },
    {
      name: 'sentinels (--style sentinel)',
      map: undefined,
      rules: backends
        .map(
          name => `${test(name, 'up', '-f')}
  ${test(name, 'drain', '!-f')}
  ${test(name, 'maint', '!-f')}
  RewriteRule ^${sitePath}$ /${name}.txt [L]`,
        )
        .join('\n  '),
    },
  ]
}

export type Httpd = {
  /** by site, in the order given */
  readonly ports: readonly number[]
  stop(): Promise<void>
}

export const sitePath = '/page'

export async function startHttpd(
  scratch: Scratch,
  sites: readonly Site[],
): Promise<Httpd> {
  const program = findProgram('apache2')
  if (program === undefined)
    throw new Error(
      'apache2 is missing; type: apt-get install --no-install-recommends apache2-bin',
    )
  for (const name of backends)
    writeFileSync(join(scratch.path, `${name}.txt`), 'tiny\n')
  const ports = await freePorts(sites.length)
  const file = join(scratch.path, 'httpd.conf')
  writeFileSync(file, httpdConf(scratch.path, sites, ports))
  const child = scratch.spawn([program, '-DFOREGROUND', '-f', file], {
    stdio: ['ignore', scratch.logFd, scratch.logFd],
  })
  const exit = exitOf(child)
  const hasEnded = exit.then(code => {
    throw new Error(`apache2 ended with ${code}`)
  })
  // it may end long after the start, when nothing waits for it
  hasEnded.catch(() => undefined)
  await Promise.race([isServing(ports), hasEnded])
  return {
    ports,
    async stop() {
      child.kill('SIGTERM')
      await exit
    },
  }
}

/** Free now; another program could take them before httpd does. */
async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer())
  const ports = await Promise.all(
    servers.map(
      server =>
        new Promise<number>((resolve, reject) => {
          server.once('error', reject)
          server.listen(0, '127.0.0.1', () => {
            const address = server.address()
            resolve(typeof address === 'object' ? (address?.port ?? 0) : 0)
          })
        }),
    ),
  )
  await Promise.all(
    servers.map(server => new Promise(resolve => server.close(resolve))),
  )
  return ports
}

async function isServing(ports: readonly number[]): Promise<void> {
  const end = performance.now() + 10_000
  for (const port of ports)
    for (;;) {
      const status = await fetch(`http://127.0.0.1:${port}${sitePath}`).then(
        response => response.status,
        () => 'no connection',
      )
      if (status === 200) break
      if (performance.now() > end)
        throw new Error(`httpd does not serve ${sitePath}: ${status}`)
      await pause(20)
    }
}

function httpdConf(
  folder: string,
  sites: readonly Site[],
  ports: readonly number[],
): string {
  const modules = ['mpm_event', 'authz_core', 'rewrite', 'unique_id']
  return `
ServerRoot ${folder}
DefaultRuntimeDir ${folder}
PidFile ${folder}/httpd.pid
ErrorLog ${folder}/stderr.log
ServerName localhost
${process.getuid?.() === 0 ? 'User www-data\nGroup www-data' : ''}
${modules.map(name => `LoadModule ${name}_module /usr/lib/apache2/modules/mod_${name}.so`).join('\n')}
StartServers 2
ServerLimit 2
ThreadsPerChild 64
MaxRequestWorkers 128
MinSpareThreads 1
MaxSpareThreads 128
MaxConnectionsPerChild 0
MaxKeepAliveRequests 0
KeepAliveTimeout 60
DocumentRoot ${folder}
<Directory ${folder}>
  Require all granted
</Directory>
${sites.map((site, i) => virtualHost(site, ports[i] ?? 0)).join('\n')}
`
}

function virtualHost(site: Site, port: number): string {
  const { map } = site
  const rules =
    site.rules !== undefined
      ? site.rules
      : map === undefined
        ? `RewriteRule ^${sitePath}$ /${backends[0]}.txt [L]`
        : `RewriteMap zope "prg:${map.argv.join(' ')}"
  ${lookupCondition}
  RewriteRule ^${sitePath}$ /%2.txt [L]`
  return `Listen 127.0.0.1:${port}
<VirtualHost 127.0.0.1:${port}>
  RewriteEngine on
  ${rules}
</VirtualHost>`
}
