import t from 'tap'
import type { HttpdFacts } from '../../../../check/facts.ts'
import { proxyFindings } from '../../../../check/findings/proxy.ts'
import { heads, httpdWith } from '../facts.ts'

function found(conf: string, more: Partial<HttpdFacts> = {}): string[] {
  return heads(proxyFindings(httpdWith(conf, more)))
}

void t.test('balancers', t => {
  const member = (parameters: string) =>
    found(`BalancerMember http://h:1 ttl=60 ${parameters}`)
  t.strictSame(member('retry=1'), [])
  t.strictSame(member('retry=0'), ['error retry-0'])
  t.strictSame(member('retry=x'), ['error retry-0'])
  t.strictSame(member(''), ['warning retry-default'])
  t.strictSame(found('BalancerMember http://h:1 retry=5'), ['info ttl-missing'])
  t.strictSame(found('ProxySet retry=0'), ['error retry-0'])
  t.strictSame(found('ProxyPass / http://h/ retry=0'), ['error retry-0'])
  t.strictSame(found('ProxySet lbmethod=byrequests =x'), [])
  t.strictSame(member('retry=1 hcmethod=GET'), ['info health-check-twice'])
  t.strictSame(member('retry=1 hcmethod=None'), [])
  const probed = 'ProxySet hcmethod=GET'
  t.strictSame(found(probed, { version: '2.4.67' }), [
    'warning health-check-twice',
  ])
  t.strictSame(found(probed, { version: undefined }), [
    'info health-check-twice',
  ])
  t.strictSame(member('retry=1 failonstatus=503'), ['info fail-on-status'])
  t.end()
})

void t.test('switches', t => {
  t.strictSame(found('ProxyRequests On'), ['error open-proxy'])
  t.strictSame(found('ProxyRequests Off\nBalancerPersist Off\nX'), [])
  t.strictSame(found('BalancerPersist On'), ['info balancer-persist'])
  t.end()
})

const rule = 'RewriteRule ^/(.*) http://h/${esc:$1} [P,NE]\n'

void t.test('slashes', t => {
  t.strictSame(found(`${rule}AllowEncodedSlashes NoDecode`), [
    'warning encoded-slashes',
  ])
  t.strictSame(found(`${rule}AllowEncodedSlashes On`), ['info encoded-slashes'])
  t.strictSame(found(`${rule}AllowEncodedSlashes Off`), [])
  t.strictSame(found(`${rule}AllowEncodedSlashes`), [])
  t.strictSame(found('AllowEncodedSlashes On'), [])
  t.end()
})

void t.test('error pages', t => {
  t.strictSame(found(`${rule}ProxyErrorOverride On 404`), [
    'warning error-override',
  ])
  t.strictSame(found(`${rule}ProxyErrorOverride Off`), [])
  t.strictSame(found(`${rule}ProxyErrorOverride`), [])
  t.strictSame(found('ProxyErrorOverride On'), [])
  const bad = ['warning error-page-proxied']
  const page = 'ErrorDocument 503 /e.html\n'
  t.strictSame(found(page + rule), bad)
  t.strictSame(found(`${page}RewriteRule ^/x - [F]\n${rule}`), bad)
  t.strictSame(found(`${page}RewriteRule ^/e - [F]\n${rule}`), bad)
  t.strictSame(found(`${page}RewriteRule ^/e - [END]\n${rule}`), [])
  t.strictSame(
    found(`${page}RewriteCond %{HTTPS} on\nRewriteRule ^/e - [L]\n${rule}`),
    bad,
  )
  t.strictSame(
    found(
      `${page}RewriteCond %{ENV:REDIRECT_STATUS} ^5\nRewriteRule ^ - [END]\n${rule}`,
    ),
    [],
  )
  t.strictSame(
    found(`${page}RewriteCond %{ENV:REDIRECT_STATUS} ^5\n${rule}`),
    [],
    'a rule made for error pages may proxy them',
  )
  t.strictSame(found(`${page}RewriteCond %{REQUEST_URI} !^/e\n${rule}`), [])
  t.strictSame(found(`${page}RewriteCond %{REQUEST_URI} ^/\n${rule}`), bad)
  t.strictSame(found('ErrorDocument 503 "<p>sorry"\nRewriteRule ^ - [P]'), [])
  t.strictSame(found(`ErrorDocument 404 /e\n${rule}`), [])
  t.strictSame(found(`ErrorDocument\n${rule}`), [])
  t.strictSame(found(`${page}ProxyPass / http://h/`), bad)
  t.strictSame(found(`${page}ProxyPass /e.html !\nProxyPass / http://h/`), [])
  t.strictSame(found(`${page}ProxyPass`), [])
  t.strictSame(found(page), [])
  t.end()
})

const generated = (text: string) => ({
  generated: [
    {
      file: '/etc/httpd.conf',
      text,
      version: '',
      command: '',
      isNewer: true,
      fresh: { kind: 'text', text } as const,
    },
  ],
})

void t.test('the name in links', t => {
  const links =
    'RewriteRule ^/(.*) http://h/VirtualHostBase/http/%{SERVER_NAME}:80/${esc:$1} [P,NE]'
  const bad = ['warning server-name-missing']
  t.strictSame(found(links), bad)
  t.strictSame(found(`ServerName a\n${links}`), [])
  const host = `<VirtualHost *>\n${links}\n</VirtualHost>`
  t.strictSame(found(host), bad)
  t.strictSame(found(`ServerName a\n${host}`), [])
  t.strictSame(found(host.replace('%{SERVER_NAME}', 'h')), [])
  t.match(proxyFindings(httpdWith(host, generated(host))), [
    { where: '/etc/httpd.conf:1' },
  ])
  t.match(proxyFindings(httpdWith(links, generated(links))), [{ where: null }])
  t.end()
})
