// The web server in front of the Zopes: httpd with the map program, or Squid with
// the helper.
import { startHttpd } from './httpd.ts'
import { startSquid } from './squid.ts'
import type { Front } from './server.ts'

export type FrontKind = {
  readonly name: string
  /** the program that answers it */
  readonly asked: string
  /** the name of that program in the directory */
  readonly program: string
  readonly reloading: string
  /** the command that prints its configuration */
  readonly conf: string
  /** the user that it runs as when root starts it */
  readonly user: string
  /** the command that starts this demo */
  readonly script: string
  /** the directory must be empty and accessible to its user */
  readonly start: (
    directory: string,
    port: number,
    conf: string,
  ) => Promise<Front>
}

export const fronts: { readonly httpd: FrontKind; readonly squid: FrontKind } =
  {
    httpd: {
      name: 'httpd',
      asked: 'map',
      program: 'rewritemap',
      reloading: 'httpd graceful',
      conf: 'apache-conf',
      user: 'www-data',
      script: 'npm start',
      start: startHttpd,
    },
    squid: {
      name: 'Squid',
      asked: 'helper',
      program: 'squid-helper',
      reloading: 'squid -k reconfigure',
      conf: 'squid-conf',
      user: 'proxy',
      script: 'npm run demo:squid',
      start: startSquid,
    },
  }
