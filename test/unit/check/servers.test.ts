import t from 'tap'
import {
  hasFlag,
  inheritsRewrite,
  isEngineOn,
  isProxyRule,
  mapsIn,
  mapsOf,
  matches,
  rulesOf,
  serversOf,
  setting,
  textsOf,
  type Server,
} from '../../../check/servers.ts'
import { parsed } from './facts.ts'

function two(conf: string): [Server, Server] {
  const [main, host] = serversOf(parsed(conf))
  if (main === undefined || host === undefined) throw new Error('not two')
  return [main, host]
}

void t.test('the servers', t => {
  const [main, host] = two(
    'A\n<Location /x>\nB\n</Location>\n<VirtualHost *:80>\nServerName w\nC\n<Location />\nC\n</Location>\n</VirtualHost>',
  )
  t.equal(main.name, 'the main server')
  t.equal(main.place, undefined)
  t.equal(main.directives.length, 2)
  t.equal(main.own.length, 1)
  t.equal(host.name, 'virtual host w')
  t.equal(host.place?.line, 5)
  t.equal(host.directives.length, 3)
  t.equal(host.own.length, 2)
  t.equal(two('<VirtualHost a b>\n</VirtualHost>')[1].name, 'virtual host a b')
  t.strictSame(two('<VirtualHost *>\n</VirtualHost>')[1].directives, [])
  t.strictSame(setting(host, 'c'), [])
  t.equal(setting(host, 'd'), undefined)
  t.end()
})

const stateOf = (conf: string, own: string) => {
  const [main, host] = two(`${conf}\n<VirtualHost *>\n${own}\n</VirtualHost>`)
  return [isEngineOn(host, main), inheritsRewrite(host, main)]
}

void t.test('where rules run', t => {
  t.strictSame(stateOf('', ''), [false, false])
  t.strictSame(stateOf('RewriteEngine On', ''), [true, false])
  t.strictSame(stateOf('RewriteEngine On', 'RewriteEngine off'), [false, false])
  t.strictSame(stateOf('', 'RewriteEngine on\nRewriteOptions Inherit'), [
    true,
    true,
  ])
  t.strictSame(stateOf('', 'RewriteOptions InheritBefore'), [false, true])
  t.strictSame(stateOf('RewriteOptions InheritDown', ''), [false, true])
  t.strictSame(stateOf('RewriteOptions InheritDownBefore', ''), [false, true])
  t.strictSame(
    stateOf('RewriteOptions InheritDown', 'RewriteOptions IgnoreInherit'),
    [false, false],
  )
  t.strictSame(stateOf('', '<Location />\nRewriteEngine On\n</Location>'), [
    false,
    false,
  ])
  t.end()
})

void t.test('maps', t => {
  const [main] = serversOf(
    parsed(
      'RewriteMap a "PRG:/x \'b c\'" zope\nRewriteMap b int:escape\nRewriteMap',
    ),
  )
  t.match(main && mapsOf(main), [
    { name: 'a', kind: 'prg', argv: ['/x', 'b c'], user: 'zope' },
    { name: 'b', kind: 'other', argv: [], user: undefined },
    { name: '', kind: 'other' },
  ])
  t.end()
})

void t.test('rules', t => {
  const [main] = serversOf(
    parsed(
      'RewriteCond "a ${m:x}" ^$ [NC,OR]\nRewriteCond b c\nRewriteRule ^/(.*) http://h/$1 [P, NE,E=V:${n:y}]\nRewriteRule ^ -\nRewriteRule\nRewriteCond',
    ),
  )
  const rules = main === undefined ? [] : rulesOf(main)
  t.match(rules, [
    {
      pattern: '^/(.*)',
      substitution: 'http://h/$1',
      flags: ['P'],
      conditions: [
        { test: 'a ${m:x}', pattern: '^$', flags: ['NC', 'OR'] },
        { test: 'b', pattern: 'c', flags: [] },
      ],
    },
    { substitution: '-', flags: [], conditions: [] },
    { pattern: '', substitution: '' },
  ])
  t.end()
})

void t.test('what a rule says', t => {
  const [main] = serversOf(
    parsed('RewriteCond ${m:x} .\nRewriteRule ^ ${n:y} "[proxy,E=V:${o:z}]"'),
  )
  const [rule] = main === undefined ? [] : rulesOf(main)
  if (rule === undefined) throw new Error('no rule')
  t.ok(isProxyRule(rule))
  t.ok(hasFlag(rule, 'p', 'proxy'))
  t.notOk(hasFlag(rule, 'ne'))
  t.strictSame(textsOf(rule).flatMap(mapsIn), ['m', 'n', 'o'])
  t.end()
})

void t.test('patterns', t => {
  t.equal(matches('^/(?:a|b)$', '/a'), true)
  t.equal(matches('!^/a', '/a'), false)
  t.equal(matches('(?s)^/(.*)', '/x'), true)
  t.equal(matches('^(?:\\1/)*+x++$', 'x'), true)
  t.equal(matches('^/A$', '/a', true), true)
  t.equal(matches('(?<!a)(?R)', ''), undefined)
  t.end()
})
