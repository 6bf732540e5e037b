import t from 'tap'
import type { GeneratedFile } from '../../../../check/facts.ts'
import {
  isServed,
  reachFindings,
  sitesOf,
} from '../../../../check/findings/reach.ts'
import {
  factsWith,
  heads,
  httpdWith,
  parsed,
  site,
  type SmallFile,
} from '../facts.ts'

const found = (
  inHost: string,
  more: {
    readonly main?: string
    readonly before?: string
    readonly files?: Readonly<Record<string, SmallFile>>
  } = {},
) =>
  reachFindings(
    site(
      `${more.main ?? ''}\n<VirtualHost *:80>\nServerName www.example.org\n${more.before ?? ''}\nInclude /etc/g.conf\n${inHost}\n</VirtualHost>`,
    ),
    factsWith(more.files).system,
  )

void t.test('rules behind the Include', t => {
  t.match(
    found(
      'RewriteCond %{SERVER_NAME} =www.example.org\nRewriteRule ^ https://%{SERVER_NAME}%{REQUEST_URI} [END,NE,R=permanent]',
    ),
    [
      {
        code: 'rule-unreached',
        severity: 'error',
        why: /served over http/,
        remedy:
          /move the rule, .* before the line that includes \/etc\/g\.conf/,
        where: '/etc/httpd.conf:7',
      },
    ],
    'as certbot appends it',
  )
  t.match(found('RewriteRule ^/old /new [R]'), [{ severity: 'warning' }])
  t.match(found('RewriteRule ^/excluded/old /new [R]'), [
    { code: 'rule-unreached' },
  ])
  t.match(found('RewriteRule "^/a(?!b)(?=c)" /new [R]'), [{}], 'no path known')
  t.strictSame(
    found('', { before: 'RewriteEngine On\nRewriteRule ^/x /y [R]' }),
    [],
  )
  t.strictSame(
    found('RewriteRule ^ - [F]', {
      before: 'RewriteRule ^ - [F]',
    }),
    [],
    "what the site's own rule ends is the site's",
  )
  t.strictSame(
    found('RewriteRule ^/a /b [R]', { before: 'RewriteRule ^/a /c' }),
    [],
    'unknown',
  )
  t.end()
})

void t.test('rules of the main server', t => {
  const rule = 'RewriteEngine On\nRewriteRule ^/old /new [R]'
  const host = 'RewriteOptions Inherit'
  t.strictSame(found(host, { main: rule }), [], 'not meant for this host')
  t.match(found(host, { main: `${rule}\nRewriteOptions InheritDownBefore` }), [
    { code: 'rule-unreached', remedy: /into this virtual host, before/ },
  ])
  t.strictSame(
    found('', { main: `${rule}\nRewriteOptions InheritDownBefore` }),
    [],
  )
  t.end()
})

void t.test('what maps paths', t => {
  for (const [line, path] of [
    ['Redirect /a https://other/', '/a'],
    ['Redirect permanent /a https://other/', '/a'],
    ['RedirectPermanent /a https://other/', '/a'],
    ['Alias /a /srv', '/a'],
    ['ScriptAlias /a/ /srv/', '/a'],
    ['ProxyPass /a http://x/', '/a'],
    ['ProxyPass /Shibboleth.sso !', '/Shibboleth.sso'],
    ['ProxyPass /a ! mapping=encoded', '/a'],
    ['WSGIScriptAlias /a /srv/x.wsgi', '/a'],
    ['JkMount /a/* worker', '/a'],
    ['<Location /a>\nProxyPass http://x/\n</Location>', '/a'],
    ['<Location /a>\nProxyPass !\n</Location>', '/a'],
    ['<Location /a>\nAlias /srv\n</Location>', '/a'],
    ['<Location /a>\nSetHandler shib\n</Location>', '/a'],
    ['<Location /a>\nDav On\n</Location>', '/a'],
  ] as const)
    t.match(
      found(line),
      [
        {
          code: 'path-unreached',
          severity: 'warning',
          remedy: `zope-failover apache-conf --config /c --exclude ${path} --output /etc/g.conf\nand reload: apachectl graceful`,
        },
      ],
      line,
    )
  for (const [line, pattern] of [
    ['RedirectMatch ^/a https://other/', '^/a'],
    ['RedirectMatch 301 ^/a https://other/', '^/a'],
    ['AliasMatch ^/a/(.*) /srv/$1', '^/a/(.*)'],
    ['ProxyPassMatch ^/a http://x/', '^/a'],
    ['<LocationMatch ^/a>\nSetHandler shib\n</LocationMatch>', '^/a'],
    ['<Location ~ ^/a>\nSetHandler shib\n</Location>', '^/a'],
    ['<FilesMatch \\.php$>\nSetHandler fpm\n</FilesMatch>', String.raw`\.php$`],
    [
      '<FilesMatch ^index>\n<If "true">\nSetHandler fpm\n</If>\n</FilesMatch>',
      '/index',
    ],
    ['<Files *.php>\nSetHandler fpm\n</Files>', String.raw`/[^/]*\.php$`],
    ['<Files ~ ^index>\nSetHandler fpm\n</Files>', '/index'],
    ['Alias /a+b /srv', String.raw`^/a\+b`],
    ['UserDir public_html', '^/~'],
  ] as const)
    t.match(
      found(line),
      [
        {
          code: 'path-unreached',
          remedy: `write before the line that includes /etc/g.conf: RewriteRule "${pattern}" "-" [END]`,
        },
      ],
      line,
    )
  for (const line of ['FallbackResource /i.php', 'VirtualDocumentRoot /v/%0'])
    t.match(found(line), [{ remedy: /^remove it, or remove the Incl/ }], line)
  t.match(
    found('Redirect permanent / https://www.example.org/'),
    [{ severity: 'error', why: /over http/, remedy: /^remove the Include/ }],
    'also a redirect to https that is none of rules',
  )
  t.match(found('ProxyPass /Shibboleth.sso !'), [{ why: /login module/ }])
  t.end()
})

void t.test('sections are called by their names', t => {
  for (const name of ['Directory', 'DirectoryMatch', 'Files', 'FilesMatch'])
    t.match(found(`<${name} /srv>\nRequire valid-user\n</${name}>`), [
      { what: `the access rules of <${name} /srv>` },
    ])
  t.end()
})

void t.test('one command for all paths', t => {
  const [one, other] = found('Alias /a /srv\nAlias /b /srv\nAlias /a /srv')
  t.match(one?.remedy, '--exclude /a --exclude /b --output')
  t.equal(one?.remedy, other?.remedy)
  const [first] = found('Alias /a /srv\nUserDir public_html')
  t.match(first?.remedy, '--exclude /a --output', 'the other has no path')
  t.end()
})

void t.test('what is reached', t => {
  for (const line of [
    '<Location /a>\nRedirect 301 https://other/\n</Location>',
    '<If "true">\nRedirect 301 / https://other/\n</If>',
    'ProxyPass /a http://x/ mapping=encoded',
    '<Location /a>\nSetHandler none\n</Location>',
    '<Location /a>\nDav Off\n</Location>',
    '<FilesMatch php>\nSetHandler none\n</FilesMatch>',
    '<Files x.php>\nForceType text/plain\n</Files>',
    '<Files>\nSetHandler x\n</Files>',
    '<Directory /srv>\n<Files *.php>\nSetHandler x\n</Files>\n</Directory>',
    '<Location /a>\n<If "true">\nSetHandler x\n</If>\n</Location>',
    '<If "true">\nSetHandler x\n</If>',
    'SetHandler x',
    'Dav On',
    'UserDir disabled',
    'FallbackResource disabled',
    'Alias /excluded/x /srv',
    'Alias /server-status /srv',
    'JkMount *.jsp worker',
    'Redirect gone',
    'ProxyPass',
    '<Location>\nSetHandler x\n</Location>',
    'RedirectMatch "^/a(?!b)(?=c)" /x',
    '<Location /a>\nRequire all denied\n</Location>',
  ])
    t.strictSame(found(line), [], line)
  t.strictSame(
    found('Alias /a /srv', { before: 'RewriteRule ^/a - [END]' }),
    [],
  )
  t.strictSame(
    reachFindings(
      httpdWith('<VirtualHost *:80>\nAlias /a /srv\n</VirtualHost>'),
      factsWith().system,
    ),
    [],
    'a host without our rules',
  )
  t.end()
})

void t.test('what the main server has', t => {
  const main =
    'Alias /a /srv\nAlias /icons/ /i\nAlias /server-status /x\nHostnameLookups Off'
  t.match(found('', { main }), [
    { code: 'path-unreached', severity: 'info', where: '/etc/httpd.conf:1' },
  ])
  t.strictSame(
    heads(found('', { main: 'Alias /.well-known/acme-challenge/ /srv' })),
    ['warning path-unreached'],
  )
  t.match(
    reachFindings(
      site('Include /etc/g.conf\nAlias /a /srv'),
      factsWith().system,
    ),
    [{ severity: 'warning', what: /in the main server/ }],
    'rules at server level',
  )
  t.end()
})

void t.test('what a directory demands', t => {
  for (const [lines, expected] of [
    [
      '<Directory /srv>\nRequire valid-user\n</Directory>',
      ['error access-unreached'],
    ],
    [
      '<Directory /srv>\nAuthType Basic\n</Directory>',
      ['error access-unreached'],
    ],
    ['<Directory /srv>\nRequire all granted\n</Directory>', []],
    ['<Directory />\nRequire all denied\n</Directory>', []],
    ['<Directory />\nDeny from all\n</Directory>', []],
    ['<Files x.php>\nRequire ip 10\n</Files>', ['warning access-unreached']],
    [
      '<FilesMatch x>\nRequire all denied\n</FilesMatch>',
      ['info access-unreached'],
    ],
    [
      '<Directory /srv>\nRewriteRule ^ /x [R]\n</Directory>',
      ['warning rule-unreached'],
    ],
    ['<Directory /srv>\nOptions None\n</Directory>', []],
  ] as const)
    t.strictSame(heads(found(lines)), expected, lines)
  t.strictSame(
    found('<Directory /srv>\nRequire valid-user\n</Directory>', {
      before: 'RewriteRule ^ - [END]',
    }),
    [],
    'nothing is taken here',
  )
  t.end()
})

void t.test('files of the site', t => {
  const files = {
    '/srv/.well-known/x': {},
    '/srv/favicon.ico': {},
    '/srv/robots.txt': { kind: 'directory' },
  } as const
  t.match(found('DocumentRoot /srv/', { files }), [
    {
      code: 'files-unreached',
      severity: 'warning',
      remedy: /--exclude \/\.well-known --exclude \/favicon\.ico --output/,
      where: '/etc/httpd.conf:2',
    },
    { code: 'files-unreached', severity: 'info' },
  ])
  t.strictSame(heads(found('', { files, main: 'DocumentRoot /srv' })), [
    'warning files-unreached',
  ])
  t.strictSame(found('DocumentRoot /', { files }), [])
  t.match(
    reachFindings(
      site('Include /etc/g.conf\nDocumentRoot /srv'),
      factsWith(files).system,
    ),
    [{ where: null }, { where: null }],
  )
  t.end()
})

void t.test('a file that is not of apache-conf is not remade', t => {
  const made: readonly GeneratedFile[] = []
  t.strictSame(
    reachFindings(
      httpdWith('', {
        conf: parsed(
          'RewriteEngine On\nRewriteRule ^ http://x/ [P]\nAlias /a /srv',
        ),
        generated: made,
      }),
      factsWith().system,
    ),
    [],
  )
  t.end()
})

const served = (before: string): boolean[] =>
  sitesOf(
    site(`<VirtualHost *:80>\n${before}\nInclude /etc/g.conf\n</VirtualHost>`),
  ).map(isServed)

void t.test('whether the rules take what nothing else names', t => {
  t.strictSame(served(''), [true])
  t.strictSame(served('RewriteEngine On\nRewriteRule ^ - [F]'), [false])
  t.end()
})
