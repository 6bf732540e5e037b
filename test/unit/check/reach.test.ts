import t from 'tap'
import { anyPath, fateOf, pathFor, rulesInOrder } from '../../../check/reach.ts'
import { serversOf } from '../../../check/servers.ts'
import { parsed } from './facts.ts'

function fate(rules: string, path: string): string {
  const servers = serversOf(parsed(`RewriteEngine On\n${rules}`))
  const found = fateOf(rulesInOrder(servers[0], servers[0]), path)
  return 'index' in found ? `${found.kind} ${found.index}` : found.kind
}

void t.test('which rule ends a request', t => {
  for (const [rules, path, expected] of [
    ['', '/', 'through'],
    ['RewriteRule ^ - [R=503,END]', '/a', 'taken 0'],
    ['RewriteRule ^ http://x/ [P]', '/a', 'taken 0'],
    ['RewriteRule ^ https://x/', '/a', 'taken 0'],
    ['RewriteRule ^ - [F]', '/a', 'taken 0'],
    ['RewriteRule ^ - [E=A:1]\nRewriteRule ^ - [G]', '/a', 'taken 1'],
    ['RewriteRule ^/a - [END]\nRewriteRule ^ - [F]', '/a', 'left 0'],
    ['RewriteRule ^/a - [END]\nRewriteRule ^ - [F]', '/b', 'taken 1'],
    ['RewriteRule ^/A - [L,NC]', '/a', 'left 0'],
    ['RewriteRule ^/a /b [PT]', '/a', 'left 0'],
    ['RewriteRule ^/a /b\nRewriteRule ^ - [F]', '/a', 'unknown'],
    ['RewriteRule !^/a - [S=1]\nRewriteRule ^ - [F]', '/b', 'through'],
    ['RewriteRule !^/a - [S=1]\nRewriteRule ^ - [F]', '/a', 'taken 1'],
  ] as const)
    t.equal(fate(rules, path), expected, `${rules} for ${path}`)
  t.end()
})

void t.test('conditions', t => {
  const rule = '\nRewriteRule ^ - [F]'
  for (const [conditions, expected] of [
    ['RewriteCond %{REQUEST_URI} ^/a', 'taken 0'],
    ['RewriteCond %{REQUEST_URI} !^/a', 'through'],
    ['RewriteCond %{REQUEST_URI} =/a', 'taken 0'],
    ['RewriteCond %{REQUEST_URI} !=/a', 'through'],
    ['RewriteCond %{REQUEST_URI} ^/A [NC]', 'taken 0'],
    ['RewriteCond %{REQUEST_METHOD} ^GET$', 'taken 0'],
    ['RewriteCond %{THE_REQUEST} " /a "', 'taken 0'],
    ['RewriteCond %{ENV:REDIRECT_STATUS} ^[45]', 'through'],
    ['RewriteCond %{ENV:REDIRECT_STATUS} ""', 'taken 0'],
    ['RewriteCond %{ENV:REDIRECT_STATUS} =""', 'taken 0'],
    // what depends on the visitor: the rule may apply, and takes nothing away
    ['RewriteCond %{HTTP_HOST} ^x', 'through'],
    ['RewriteCond expr "true"', 'through'],
    ['RewriteCond /run/x.up -f', 'through'],
    ['RewriteCond a >b', 'through'],
    ['RewriteCond %{HTTPS} on [OR]\nRewriteCond %{REQUEST_URI} ^/a', 'taken 0'],
    ['RewriteCond %{HTTPS} on [OR]\nRewriteCond %{REQUEST_URI} ^/b', 'through'],
    [
      'RewriteCond %{REQUEST_URI} ^/b [OR]\nRewriteCond %{REQUEST_URI} ^/c',
      'through',
    ],
  ] as const)
    t.equal(fate(`${conditions}${rule}`, '/a'), expected, conditions)
  t.equal(
    fate(`RewriteCond %{HTTPS} on\nRewriteRule ^ - [END]${rule}`, '/a'),
    'unknown',
    'it may be left to httpd',
  )
  t.equal(
    fate(`RewriteCond %{HTTPS} on\nRewriteRule ^ - [S=1]${rule}`, '/a'),
    'taken 1',
    'a skip that may be',
  )
  t.equal(
    fate(
      `RewriteCond %{HTTPS} on\nRewriteRule ^ - [S=1]\nRewriteRule ^ - [END]${rule}`,
      '/a',
    ),
    'unknown',
  )
  t.end()
})

const order = (main: string, host: string): string[] => {
  const servers = serversOf(
    parsed(
      `RewriteEngine On\nRewriteRule ^/main - [F]\n<Location /x>\nRewriteRule ^/inner - [F]\n</Location>\n${main}\n<VirtualHost *:80>\nRewriteEngine On\nRewriteRule ^/host - [F]\n${host}\n</VirtualHost>`,
    ),
  )
  return rulesInOrder(servers[1] ?? servers[0], servers[0]).map(
    ({ pattern }) => pattern,
  )
}

void t.test('the rules of a server, and those it inherits', t => {
  t.strictSame(order('', ''), ['^/host'])
  t.strictSame(order('', 'RewriteOptions Inherit'), ['^/host', '^/main'])
  t.strictSame(order('', 'RewriteOptions InheritBefore'), ['^/main', '^/host'])
  t.strictSame(order('RewriteOptions InheritDown', ''), ['^/host', '^/main'])
  t.strictSame(order('RewriteOptions InheritDownBefore', ''), [
    '^/main',
    '^/host',
  ])
  t.strictSame(
    order('RewriteOptions InheritDownBefore', 'RewriteOptions Inherit'),
    ['^/host', '^/main'],
    'the own word counts',
  )
  t.strictSame(order('', 'RewriteEngine Off'), [])
  const [main] = serversOf(parsed('RewriteEngine On\nRewriteRule ^ - [F]'))
  t.equal(rulesInOrder(main, main).length, 1)
  t.end()
})

void t.test('a path for a pattern', t => {
  for (const [pattern, path] of [
    ['^', anyPath],
    ['^/(.*)$', anyPath],
    ['^/old/(.*)$', '/old/x'],
    ['^/(?:a|b)/[^/]+/c$', '/a/x/c'],
    [String.raw`\.php$`, '/.php'],
    ['!^/x', anyPath],
    ['^/$', '/'],
    ['^/colou?r', '/color'],
    ['^/a(?!b)(?=c)', undefined],
  ] as const)
    t.equal(pathFor(pattern), path, pattern)
  t.end()
})
