import t from 'tap'
import type { HttpdFacts } from '../../../../check/facts.ts'
import { rewriteFindings } from '../../../../check/findings/rewrite.ts'
import { heads, httpdWith } from '../facts.ts'

const uniqueId = 'LoadModule unique_id_module x\n'
const map = 'RewriteMap z "prg:/opt/map.sh" zope\n'
const ask =
  'RewriteCond "%{ENV:UNIQUE_ID} ${z:%{ENV:UNIQUE_ID} p}" "^(\\S+) \\1 (a|b)$"\n'

function found(conf: string, more: Partial<HttpdFacts> = {}): string[] {
  return heads(rewriteFindings(httpdWith(uniqueId + conf, more)))
}

/** The same, what every unchecked answer gives left out. */
function besides(conf: string): string[] {
  return found(conf).filter(head => !head.endsWith('answer-unchecked'))
}

void t.test('nothing wrong', t => {
  t.strictSame(found(''), [])
  t.strictSame(
    found(
      `${map}RewriteMap esc int:escape\n${ask}RewriteRule ^/(.*) balancer://%2/x/\${esc:$1} [P,NE]`,
    ),
    [],
  )
  t.end()
})

const host = (own: string) => `<VirtualHost *>\n${own}\n</VirtualHost>`

void t.test('who sees the map', t => {
  const rule = `${ask}RewriteRule ^ -`
  t.strictSame(found(map + host(rule)), ['error map-not-inherited'])
  t.strictSame(found(map + host(`${rule}\n${rule}`)), [
    'error map-not-inherited',
  ])
  t.strictSame(found(map + host(`RewriteOptions Inherit\n${rule}`)), [])
  t.strictSame(found(host(rule)), ['error map-unknown'])
  t.strictSame(
    found(`<IfFile /run/x>\nRewriteMap z txt:/run/x\n</IfFile>\n${rule}`),
    ['warning map-file-missing'],
  )
  t.strictSame(found(map + rule), [], 'no virtual hosts')
  t.strictSame(found(`${map}${rule}\n${host('A')}`), [
    'warning rules-not-inherited',
  ])
  t.strictSame(
    found(`${map}${rule}\n${host('RewriteOptions Inherit')}`),
    [],
    'inherited',
  )
  t.strictSame(found(`${map}RewriteRule ^ -\n${host('A')}`), [])
  t.end()
})

void t.test('the target', t => {
  const rule = 'RewriteRule ^/x ${z:k}/x [P]'
  t.strictSame(besides(map + rule), ['error proxy-to-itself'])
  t.strictSame(besides(`${map}RewriteRule ^/x http://\${z:k}/x [P]`), [
    'warning target-unguarded',
  ])
  const guards: readonly (readonly [string, boolean])[] = [
    ['"^$"', false],
    ['"!^$"', true],
    ['".*"', false],
    ['"^http://.+$"', true],
    ['"=zope1"', true],
    ['"="', false],
    ['"!="', true],
    ['"!=\\"\\""', false],
    ['"^(?<n>a)(?&n)(?R)$"', true],
    ['"(?R)"', false],
  ]
  for (const [pattern, isGuard] of guards)
    t.equal(
      besides(`${map}RewriteCond \${z:k} ${pattern}\n${rule}`).includes(
        'error proxy-to-itself',
      ),
      !isGuard,
      pattern,
    )
  t.ok(
    besides(`${map}RewriteCond %{HTTPS} on\n${rule}`).includes(
      'error proxy-to-itself',
    ),
    'a condition about something else',
  )
  t.notOk(
    besides('RewriteMap z txt:/x\nRewriteRule ^/x ${z:k}/x [P]').length,
    'a file does not die',
  )
  t.notOk(besides(`${map}RewriteRule ^/x \${z:k}/x`).length, 'not proxied')
  t.end()
})

void t.test('the target in a variable', t => {
  const set = `${map}RewriteRule ^ - [E=V:\${z:k},E=W:1,E=X:\${y:k}]\n`
  const others = ['error map-unknown']
  t.strictSame(besides(`${set}RewriteRule ^/x %{ENV:V}/x [P]`), [
    ...others,
    'error proxy-to-itself',
  ])
  t.strictSame(besides(`${set}RewriteRule ^/x %{ENV:W}/x [P]`), others)
  t.strictSame(
    besides(`${set}RewriteCond %{ENV:V} ^http\nRewriteRule ^/x %{ENV:V}/x [P]`),
    others,
  )
  t.end()
})

const toTarget = (target: string) => found(`RewriteRule ^/x(.*) ${target} [P]`)

void t.test('who chooses the host', t => {
  t.strictSame(toTarget('http://$1/'), ['error open-proxy'])
  t.strictSame(toTarget('http://%{HTTP_HOST}/'), ['error open-proxy'])
  t.strictSame(toTarget('http://%{HTTP:X-Host}/'), ['error open-proxy'])
  t.strictSame(toTarget('http://h/VirtualHostBase/http/%{HTTP_HOST}/x'), [
    'warning vhm-host-from-visitor',
  ])
  t.strictSame(toTarget('http://h/'), [])
  t.strictSame(toTarget('/x'), [])
  t.end()
})

const withPath = (path: string, flags: string) =>
  found(
    `RewriteMap esc int:escape\nRewriteRule ^/(.*) http://h/${path} [${flags}]`,
  )

void t.test('the path', t => {
  t.strictSame(withPath('${esc:$1}', 'P,NE'), [])
  t.strictSame(withPath('${esc:$1}', 'P'), ['warning url-escaped-twice'])
  t.strictSame(withPath('$1', 'P,NE'), ['warning url-unescaped'])
  t.strictSame(withPath('$1', 'P,B'), ['warning url-escaped-twice'])
  t.strictSame(withPath('$1', 'P'), ['info url-refused'])
  t.strictSame(withPath('$1', 'P,NE,B,BNE=/:'), [])
  t.strictSame(withPath('$1', 'R'), [])
  t.strictSame(withPath('x', 'P'), [])
  t.end()
})

void t.test('flags', t => {
  for (const flag of ['UnsafeAllow3F', 'UnsafePrefixStat'])
    t.strictSame(found(`RewriteRule ^ - [${flag}]`), ['warning unsafe-flag'])
  t.end()
})

void t.test('whose answer it is', t => {
  t.strictSame(found(`${map}RewriteRule ^ - [E=A:\${z:k}]`), [
    'warning answer-unchecked',
  ])
  t.strictSame(found(`${map}RewriteCond \${z:k} ^a\nRewriteRule ^ -`), [
    'warning answer-unchecked',
  ])
  t.strictSame(found(`${map}${ask.replaceAll('ENV:', '')}RewriteRule ^ -`), [
    'error nonce-empty',
  ])
  t.strictSame(
    heads(rewriteFindings(httpdWith(`${map}${ask}RewriteRule ^ -`))),
    ['error module-missing'],
  )
  t.end()
})

const withDefault = (name: string) =>
  `RewriteCond "%{ENV:UNIQUE_ID} \${${name}:%{ENV:UNIQUE_ID} p|a}" "^(\\S+) \\1 (a|b)$"\nRewriteRule ^ -`

void t.test('the default', t => {
  t.strictSame(found(map + withDefault('z')), ['warning default-unused'])
  t.strictSame(found(`RewriteMap y txt:/x\n${withDefault('y')}`), [])
  t.end()
})

void t.test('versions', t => {
  const expr = 'RewriteCond expr "true"\nRewriteRule ^ -'
  t.strictSame(found(expr, { version: '2.4.64' }), ['error httpd-bug'])
  t.strictSame(found(expr, { version: '2.4.65' }), [])
  t.strictSame(found('RewriteRule ^ -', { version: '2.4.64' }), [])
  const ahead = 'RewriteCond %{LA-U:HTTP:X} a\nRewriteRule ^ -'
  t.strictSame(found(ahead, { version: '2.4.68' }), ['warning httpd-bug'])
  t.strictSame(found(ahead), [])
  t.strictSame(found(ahead, { version: undefined }), [])
  t.end()
})

void t.test('the request as it came', t => {
  const take = 'RewriteCond %{THE_REQUEST} "^\\S+ /([^? ]*)"\n'
  const rule = 'RewriteRule ^ http://h/%1 [P,NE]'
  t.strictSame(found(take + rule), ['warning raw-path'])
  t.strictSame(
    found(`RewriteCond %{THE_REQUEST} "!\\.\\.|%2e" [NC]\n${take}${rule}`),
    [],
  )
  t.strictSame(found(`${take}RewriteRule ^ http://h/ [P]`), [])
  t.strictSame(found(`${take}RewriteRule ^ /%1`), [])
  t.strictSame(found(`RewriteCond %{THE_REQUEST} ^GET\n${rule}`), [])
  t.end()
})

void t.test('several lookups, generated rules', t => {
  const conf = `${map}${ask}RewriteRule ^ -\n${ask}RewriteRule ^ -`
  t.strictSame(found(conf), ['info several-lookups'])
  const text = uniqueId + conf
  t.strictSame(
    found(conf, {
      generated: [
        {
          file: '/etc/httpd.conf',
          text,
          version: '0.1.0',
          command: '',
          isNewer: true,
          fresh: { kind: 'text', text },
        },
      ],
    }),
    [],
  )
  t.end()
})
