// httpd's configuration for a site, as `zope-failover apache-conf` prints it. Made in this
// process: starting the command takes half a second of processor time.
import type { freshApacheConf as Render } from '../cli/apache-conf.ts'
import { dist } from './processes.ts'

// of the build: the text names its files
const { freshApacheConf }: { freshApacheConf: typeof Render } = await import(
  `${dist}/cli/apache-conf.js`
)

/**
 * @param options of `apache-conf`
 * @throws {Error} with the command's own message
 */
export function apacheConf(
  config: string,
  ...options: readonly string[]
): string {
  const words = ['zope-failover', 'apache-conf', '--config', config, ...options]
  const fresh = freshApacheConf(words)
  if (fresh.kind === 'text') return fresh.text
  throw new Error(fresh.why)
}
