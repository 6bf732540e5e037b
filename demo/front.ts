// The web server in front of the Zopes: httpd with the map, or Squid with the
// helper.
import { startHttpd } from './httpd.ts'
import { startSquid } from './squid.ts'
import type { Front } from './server.ts'

export type FrontKind = {
  readonly name: string
  /** of the program that answers it */
  readonly asked: string
  /** what that program is called in the directory */
  readonly program: string
  readonly reloading: string
  /** the command that prints its configuration */
  readonly conf: string
  /** as whom it runs when root starts it */
  readonly user: string
  /** what starts this demonstration */
  readonly script: string
  /** the directory is empty, and its user may enter it */
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
