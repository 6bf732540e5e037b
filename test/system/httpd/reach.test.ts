// Directives next to the generated rules in a site: check reports that they are never
// reached exactly when httpd sends the request to a backend all the same.
import t from 'tap'
import { reachFindings } from '../../../check/findings/reach.ts'
import { factsWith, site as factsOf } from '../../unit/check/facts.ts'
import { loadModules } from '../../../lab/httpd.ts'
import { Visitor } from '../../../lab/load.ts'
import { startSite } from '../../../lab/site.ts'

const elsewhere = 'https://other.example.org/'
const lines: readonly (readonly [path: string, line: string])[] = [
  ['/redirect', `Redirect /redirect ${elsewhere}`],
  ['/match', `RedirectMatch 301 ^/match ${elsewhere}`],
  ['/permanent', `RedirectPermanent /permanent ${elsewhere}`],
  ['/alias', 'Alias /alias /srv'],
  ['/aliasmatch', 'AliasMatch ^/aliasmatch /srv'],
  ['/cgi', 'ScriptAlias /cgi /srv'],
  ['/pass', 'ProxyPass /pass http://127.0.0.1:9/'],
  ['/passed', 'ProxyPassMatch ^/passed http://127.0.0.1:9/'],
  ['/not', 'ProxyPass /not !'],
  ['/notencoded', 'ProxyPass /notencoded ! mapping=encoded'],
  ['/encoded', 'ProxyPass /encoded http://127.0.0.1:9/ mapping=encoded'],
  ['/in', '<Location /in>\nProxyPass http://127.0.0.1:9/\n</Location>'],
  ['/innot', '<Location /innot>\nProxyPass !\n</Location>'],
  ['/inalias', '<Location /inalias>\nAlias /srv\n</Location>'],
  ['/handler', '<Location /handler>\nSetHandler server-status\n</Location>'],
  [
    '/handled',
    '<LocationMatch ^/handled>\nSetHandler server-status\n</LocationMatch>',
  ],
  ['/there', `<Location /there>\nRedirect 301 ${elsewhere}\n</Location>`],
  [
    '/ruled',
    '<Location /ruled>\nRewriteEngine On\nRewriteRule ^ - [F]\n</Location>',
  ],
  ['/closed', '<Location /closed>\nRequire all denied\n</Location>'],
  ['/x.php', '<FilesMatch \\.php$>\nSetHandler server-status\n</FilesMatch>'],
  ['/index.cgi', '<Files *.cgi>\nSetHandler server-status\n</Files>'],
  ['/start.pl', '<FilesMatch ^start>\nSetHandler server-status\n</FilesMatch>'],
  [
    '/y.phtml',
    '<FilesMatch \\.phtml$>\n<If "true">\nSetHandler server-status\n</If>\n</FilesMatch>',
  ],
  ['/~user/', 'UserDir /srv'],
  ['/after', `RewriteRule ^/after ${elsewhere} [R,L]`],
  ['/excluded/x', 'Alias /excluded/x /srv'],
  ['/x', '<Directory /srv>\nRequire valid-user\n</Directory>'],
  ['/file.bak', '<Files *.bak>\nRequire valid-user\n</Files>'],
]

void t.test('each line, by httpd and by check', async t => {
  const site = await startSite(t, {
    conf: ['--style=sentinel', '--exclude=/excluded'],
    httpd: { extra: loadModules(['userdir', 'authn_core', 'authz_user']) },
    edit: conf => `${conf}\n${lines.map(([, line]) => line).join('\n')}\n`,
  })
  const visitor = new Visitor({ port: site.httpd.port })
  for (const [path, line] of lines) {
    const findings = reachFindings(
      factsOf(
        `<VirtualHost *:80>\nInclude /etc/g.conf\n${line}\n</VirtualHost>`,
      ),
      factsWith().system,
    )
    const { backend } = await visitor.ask(path)
    t.equal(
      backend === 'zope1' ? 'never reached' : 'reached',
      findings.length === 0 ? 'reached' : 'never reached',
      line,
    )
  }
  visitor.leave()
})
