// A real Apache httpd on a loopback port with a ServerRoot of its own.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  writeFileSync,
} from 'node:fs'
import type { Front } from './front.ts'
import { waitFor } from './wait.ts'

const modules = [
  ...['mpm_event', 'authz_core', 'unique_id', 'headers'],
  ...['rewrite', 'proxy', 'proxy_http', 'slotmem_shm', 'proxy_balancer'],
  ...['lbmethod_byrequests'],
]

/**
 * @param root an empty directory that httpd's user may search
 * @param conf what `apache-conf` printed
 * @throws {Error} with httpd's own words when it does not start
 */
export async function startHttpd(
  root: string,
  port: number,
  conf: string,
): Promise<Front> {
  const binary = '/usr/sbin/apache2'
  const moduleDirectory = '/usr/lib/apache2/modules'
  if (!existsSync(binary))
    throw new Error(
      'Apache httpd is not installed; type: apt-get install --no-install-recommends apache2-bin',
    )
  mkdirSync(`${root}/htdocs`)
  writeFileSync(`${root}/zope-failover.conf`, conf)
  writeFileSync(
    `${root}/httpd.conf`,
    `ServerRoot ${root}
DefaultRuntimeDir ${root}
PidFile ${root}/httpd.pid
Listen 127.0.0.1:${port}
ServerName localhost:${port}
${modules.map(name => `LoadModule ${name}_module ${moduleDirectory}/mod_${name}.so`).join('\n')}
${process.getuid?.() === 0 ? 'User www-data\nGroup www-data' : ''}
StartServers 2
KeepAliveTimeout 60
MaxKeepAliveRequests 0
ErrorLog ${root}/error.log
LogLevel warn mpm_event:notice
DocumentRoot ${root}/htdocs
<VirtualHost *:*>
Include ${root}/zope-failover.conf
</VirtualHost>
`,
  )
  const console = openSync(`${root}/error.log`, 'a')
  // a process group of its own: the keys of a terminal are not for httpd
  const child = spawn(binary, ['-f', `${root}/httpd.conf`, '-DFOREGROUND'], {
    detached: true,
    // until the error log is open
    stdio: ['ignore', console, console],
  })
  const isGone = (): boolean =>
    child.exitCode !== null || child.signalCode !== null
  const errorLog = (): string => readFileSync(`${root}/error.log`, 'utf8')
  const starts = (): number =>
    errorLog().split('resuming normal operations').length - 1
  const started = (count: number): Promise<true> =>
    waitFor('httpd to serve', () => {
      if (isGone()) throw new Error(`httpd ended:\n${errorLog()}`)
      return starts() >= count
    })
  await started(1)
  return {
    pid: child.pid ?? 0,
    errorLog,
    reload: async () => {
      const before = starts()
      child.kill('SIGUSR1')
      await started(before + 1)
    },
    stop: async () => {
      if (isGone()) return
      const exit = once(child, 'exit')
      child.kill('SIGTERM')
      await exit
    },
  }
}
