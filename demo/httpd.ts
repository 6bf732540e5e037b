// A real Apache httpd on a loopback port with a private ServerRoot.
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { startServer } from './server.ts'
import type { Front } from './server.ts'

const modules = [
  ...['mpm_event', 'authz_core', 'unique_id', 'headers'],
  ...['rewrite', 'proxy', 'proxy_http', 'slotmem_shm', 'proxy_balancer'],
  ...['lbmethod_byrequests'],
]

/**
 * @param root an empty directory that httpd's user may search
 * @param conf what `apache-conf` printed
 * @throws {Error} with httpd's log when it does not start
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
  return startServer(
    'httpd',
    [binary, '-f', `${root}/httpd.conf`, '-DFOREGROUND'],
    {
      logs: [`${root}/error.log`],
      serves: 'resuming normal operations',
      reloadSignal: 'SIGUSR1',
    },
  )
}
