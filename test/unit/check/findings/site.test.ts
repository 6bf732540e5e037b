import t from 'tap'
import { parseConfig } from '../../../../config/parse.ts'
import {
  sameUrlFindings,
  siteFindings,
} from '../../../../check/findings/site.ts'
import type { HttpdFacts } from '../../../../check/facts.ts'
import type { Finding } from '../../../../check/finding.ts'
import {
  factsWith,
  heads,
  httpdWith,
  ownProgram,
  parsed,
  site,
} from '../facts.ts'

const found = (httpd: HttpdFacts): Finding[] => siteFindings(httpd, factsWith())

/** In a virtual host with the Include; `other` is another one. */
const inHost = (lines: string, other = '', rules?: string): Finding[] =>
  found(
    site(
      `Listen 80\nListen [::]:443\n<Proxy balancer://x>\nBalancerMember http://h:1\n</Proxy>\n${other}\n<VirtualHost *:80>\nServerName www.example.org\nInclude /etc/g.conf\n${lines}\n</VirtualHost>`,
      {},
      rules,
    ),
  )

const urls = (...list: string[]): Finding[] =>
  sameUrlFindings(
    parseConfig(
      `backends: { ${list.map((url, index) => `zope${index}: "${url}"`).join(', ')} }`,
      '/c.yaml',
    ),
  )

void t.test('one server under two names', t => {
  t.match(urls('http://h:1', 'http://H:1'), [
    { code: 'backends-same-url', what: /^zope0 and zope1 are one server/ },
  ])
  t.equal(urls('http://localhost:1', 'http://127.0.0.1:1').length, 1)
  t.equal(urls('http://[::1]:1', 'http://localhost:1').length, 1)
  t.equal(urls('http://h', 'http://h:80', 'https://h:80').length, 2)
  t.strictSame(urls('http://h:1', 'http://h:2', 'http://127.0.0.2:1'), [])
  t.strictSame(urls('http://127.0.0.1:1', 'http://127.0.0.2:1'), [])
  t.end()
})

const page = (status: number): string => `ErrorDocument ${status} /p.html`

void t.test("error pages of the site's own", t => {
  t.match(inHost(page(503)), [
    {
      code: 'error-page-hidden',
      severity: 'info',
      what: /ErrorDocument for 503/,
      remedy:
        'zope-failover apache-conf --config /c --keep-error-document 503 --output /etc/g.conf\nand reload: apachectl graceful',
    },
  ])
  const both = inHost(page(502), page(504))
  t.equal(both.length, 2)
  for (const { remedy } of both)
    t.match(
      remedy,
      ' --keep-error-document 504 --keep-error-document 502 --output',
    )
  t.strictSame(inHost(`${page(404)}\nErrorDocument 503 default`), [])
  const kept = site(
    `Listen 80\n<VirtualHost *:80>\n${page(503)}\nInclude /etc/g.conf\n</VirtualHost>`,
  )
  const command = 'zope-failover apache-conf --keep-error-document 503'
  t.strictSame(
    found({
      ...kept,
      generated: kept.generated.map(file => ({ ...file, command })),
    }),
    [],
  )
  t.end()
})

void t.test('an Include that nothing reads', t => {
  t.match(found(httpdWith('Listen 80')), [
    { code: 'not-included', severity: 'warning', where: '/etc/httpd.conf' },
  ])
  for (const conf of [
    'RewriteMap zope prg:/opt/map.sh',
    'RewriteCond /run/zope-failover/zope1.up -f',
    'ProxyPass / http://h:1/',
    'RewriteRule ^/(.*) http://x/VirtualHostBase/http/x:80/VirtualHostRoot/$1 [P]',
  ])
    t.strictSame(found(httpdWith(conf)), [], conf)
  t.strictSame(found(httpdWith('Lisen 80', { refusal: 'no' })), [])
  const part = `RewriteEngine On\nRewriteMap zope "prg:${ownProgram}"\n`
  const server = (hosts: string): Finding[] =>
    found(site(`Include /etc/g.conf\n${hosts}`, {}, part))
  t.match(server(''), [{ code: 'map-unasked', where: '/etc/g.conf:2' }])
  t.strictSame(
    server(
      '<VirtualHost *:80>\nRewriteEngine On\nRewriteCond ${zope:x} .\nRewriteRule ^ - [F]\n</VirtualHost>',
    ),
    [],
  )
  t.end()
})

void t.test('mod_cache', t => {
  const both = 'CacheIgnoreHeaders Set-Cookie\nCacheQuickHandler Off'
  t.match(inHost('CacheEnable disk /'), [
    {
      code: 'cache-shared',
      severity: 'warning',
      remedy: /CacheIgnoreHeaders Set-Cookie\nCacheQuickHandler Off/,
    },
  ])
  t.match(inHost('CacheEnable disk /\nCacheQuickHandler Off'), [
    { what: /without CacheIgnoreHeaders Set-Cookie$/ },
  ])
  t.strictSame(inHost(`CacheEnable disk /\n${both}`), [])
  t.strictSame(inHost('', `CacheEnable disk /\n${both}`), [], 'inherited')
  t.equal(
    inHost('CacheQuickHandler On', `CacheEnable disk /\n${both}`).length,
    1,
  )
  t.strictSame(
    heads(
      inHost(
        `CacheEnable disk /\n${both}\nCacheStorePrivate On\nCacheStoreNoStore On`,
      ),
    ),
    ['error cache-private', 'error cache-private'],
  )
  t.strictSame(inHost(`CacheEnable disk /\n${both}\nCacheStorePrivate Off`), [])
  t.equal(inHost(`CacheEnable disk /\n${both}\nCacheStoreNoStore`).length, 0)
  t.end()
})

const rule = (base: string): string =>
  `RewriteEngine On\nRewriteRule ^/(.*) balancer://x/VirtualHostBase/http/${base}:80/VirtualHostRoot/$1 [P]\n`

void t.test('names whose links leave', t => {
  const alias = 'ServerAlias example.org www.example.org:80'
  t.match(inHost(alias), [
    {
      code: 'alias-links-leave',
      what: /^visitors of example\.org get .* lead to www\.example\.org$/,
      remedy: /%\{REQUEST_SCHEME\}:\/\/www\.example\.org%/,
    },
  ])
  t.strictSame(inHost('ServerAlias www.example.org'), [])
  t.strictSame(inHost(`${alias}\nUseCanonicalName Off`), [], 'the own name')
  const host = (before: string, rules?: string): Finding[] =>
    found(
      site(
        `<VirtualHost *>\nServerName http://www.example.org:80\n${alias}\n${before}\nInclude /etc/g.conf\n</VirtualHost>\nProxyPass /x http://h:1`,
        {},
        rules,
      ),
    )
  t.equal(host('').length, 1)
  t.strictSame(
    host(
      'RewriteCond %{HTTP_HOST} !^www\nRewriteRule ^ https://www.example.org%{REQUEST_URI} [R]',
    ),
    [],
    'redirected before',
  )
  t.equal(host('RewriteRule ^/x https://www.example.org/ [R]').length, 1)
  t.match(host('', rule('other.example.org')), [
    { what: /^visitors of www\.example\.org, example\.org get / },
  ])
  t.strictSame(host('', rule('%{HTTP_HOST}')), [])
  t.strictSame(
    host('', 'RewriteEngine On\nRewriteRule ^ balancer://x/ [P]\n'),
    [],
  )
  t.strictSame(
    found(
      site(
        '<VirtualHost *>\nServerAlias a\nInclude /etc/g.conf\n</VirtualHost>\nProxyPass /x http://h:1',
      ),
    ),
    [],
    'no ServerName',
  )
  t.equal(
    found(
      site(
        `UseCanonicalName On\n<VirtualHost *>\nServerName www.example.org\n${alias}\nInclude /etc/g.conf\n</VirtualHost>\nProxyPass /x http://h:1`,
        {},
        rule('%{SERVER_NAME}'),
      ),
    ).length,
    1,
    'inherited',
  )
  t.strictSame(
    found(
      site(
        `<VirtualHost *>\nServerName www.example.org\n${alias}\nInclude /etc/g.conf\n</VirtualHost>\nProxyPass /x http://h:1`,
        {},
        rule('%{SERVER_NAME}'),
      ),
    ),
    [],
    "the visitor's own name",
  )
  t.end()
})

const other = (lines: string, address = '*:443'): Finding[] =>
  inHost(
    '',
    `<VirtualHost ${address}>\nServerName https://www.example.org\n${lines}\n</VirtualHost>`,
  )

void t.test('the other port', t => {
  t.match(other('DocumentRoot /srv'), [
    { code: 'host-without-rules', what: /on port 443 .* on port 80/ },
  ])
  t.strictSame(other('Redirect / http://www.example.org/'), [])
  t.strictSame(other('RewriteRule ^ http://www.example.org/ [R]'), [])
  t.strictSame(other('<Location />\nProxyPass http://x/\n</Location>'), [])
  t.strictSame(other('', '*:80'), [], 'not another port')
  t.strictSame(other('ServerName other.example.org'), [])
  t.strictSame(
    other('RewriteEngine On\nInclude /etc/g.conf'),
    [],
    'it has them, too',
  )
  t.end()
})

void t.test('a port without a listener', t => {
  const host = (address: string): Finding[] =>
    found(
      site(
        `Listen 127.0.0.1:80\n<VirtualHost ${address}>\nServerName x\nInclude /etc/g.conf\n</VirtualHost>\nProxyPass /x http://h:1`,
      ),
    )
  t.match(host('*:443'), [
    { code: 'host-not-listened', remedy: 'write at server level: Listen 443' },
  ])
  for (const address of ['*:80', '*:*', '1.2.3.4', '*:443 *:80'])
    t.strictSame(host(address), [], address)
  t.strictSame(
    found(site('Include /etc/g.conf\nProxyPass /x http://h:1')),
    [],
    'at server level',
  )
  t.equal(parsed('Listen 80').directives.length, 1)
  t.end()
})
