// A real Squid on a loopback port, unpacked by prepare-daemons.sh.
import { chownSync, existsSync, writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { startServer } from './server.ts'
import type { Front } from './server.ts'

/**
 * The checkout's, seen from demo/ as from dist/demo/. Another Squid can be named:
 * a directory with `usr/` and a `run` that starts it.
 */
const unpacked =
  process.env['ZOPE_FAILOVER_SQUID'] ??
  resolve(
    import.meta.dirname,
    import.meta.dirname.endsWith('/dist/demo') ? '../..' : '..',
    '.venv/squid',
  )
/** Runs squid with the libraries it was unpacked with. */
export const squidBinary = resolve(unpacked, 'run')

/** The user proxy of Debian, which a Squid of root becomes. */
export const squidAccount = { uid: 13, gid: 13 }

/** What a Squid needs that is not installed where it was compiled for. */
export function squidPaths(directory: string): string {
  return `pid_filename none
coredump_dir ${directory}
cache_log ${directory}/cache.log
buffered_logs off
error_directory ${unpacked}/usr/share/squid-langpack/templates
icon_directory ${unpacked}/usr/share/squid/icons
mime_table ${unpacked}/usr/share/squid/mime.conf
unlinkd_program ${unpacked}/usr/lib/squid/unlinkd
pinger_enable off
visible_hostname squid.test
shutdown_lifetime 0 seconds
dns_nameservers 127.0.0.1
hosts_file none
cache_mem 8 MB
memory_cache_shared off
`
}

/**
 * @param root an empty directory
 * @param conf what `squid-conf` printed
 * @throws {Error} with Squid's own words when it does not start
 */
export async function startSquid(
  root: string,
  port: number,
  conf: string,
): Promise<Front> {
  if (!existsSync(squidBinary))
    throw new Error(
      'there is no Squid to start; type: sh prepare-daemons.sh squid (npm run demo:squid does)',
    )
  if (process.getuid?.() === 0)
    chownSync(root, squidAccount.uid, squidAccount.gid)
  writeFileSync(
    `${root}/squid.conf`,
    `${squidPaths(root)}access_log none
http_port 127.0.0.1:${port} accel vhost defaultsite=localhost
${conf}`,
  )
  return startServer('Squid', [squidBinary, '-N', '-f', `${root}/squid.conf`], {
    logs: [`${root}/console.log`, `${root}/cache.log`],
    serves: 'Accepting reverse-proxy',
    reloadSignal: 'SIGHUP',
  })
}
