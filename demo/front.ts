// The web server in front of the Zopes: httpd with the map program, or Squid with
// the helper.
import { startHttpd } from '../lab/httpd.ts'
import { until, type Owner } from '../lab/processes.ts'
import { startSquid } from '../lab/squid.ts'

export type Front = {
  readonly errorLog: () => string
  /** reloads its configuration; resolves when it serves */
  readonly reload: () => Promise<void>
}

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
    owner: Owner,
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
      start: async (owner, root, port, conf) => {
        const httpd = await startHttpd(owner, { conf, root, port })
        return { errorLog: httpd.errorLog, reload: httpd.graceful }
      },
    },
    squid: {
      name: 'Squid',
      asked: 'helper',
      program: 'squid-helper',
      reloading: 'squid -k reconfigure',
      conf: 'squid-conf',
      user: 'proxy',
      script: 'npm run demo:squid',
      start: async (owner, directory, port, conf) => {
        const squid = await startSquid(owner, conf, '', { directory, port })
        const starts = (): number =>
          squid.cacheLog().split('Accepting reverse-proxy').length
        return {
          errorLog: squid.cacheLog,
          reload: async () => {
            const before = starts()
            squid.reconfigure()
            await until('Squid to serve', () => starts() > before)
          },
        }
      },
    },
  }
