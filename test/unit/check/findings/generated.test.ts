import t from 'tap'
import type { GeneratedFile } from '../../../../check/facts.ts'
import {
  commandWords,
  generatedFindings,
  generatedHead,
  generatedSet,
  withoutPairs,
} from '../../../../check/findings/generated.ts'
import { proxyFindings } from '../../../../check/findings/proxy.ts'
import { rewriteFindings } from '../../../../check/findings/rewrite.ts'
import { heads, httpdWith } from '../facts.ts'

void t.test('the head', t => {
  const text =
    "# Failover.\n# Made by zope-failover 0.1.0 with\n#   zope-failover apache-conf --config /a --exclude '/b c'\n"
  t.strictSame(generatedHead(text), {
    version: '0.1.0',
    command: "zope-failover apache-conf --config /a --exclude '/b c'",
  })
  t.match(generatedHead('#  zope-failover apache-conf --x'), { version: '' })
  t.equal(generatedHead('Listen 80\n'), undefined)
  t.equal(generatedHead(`${'\n'.repeat(50)}${text}`), undefined)
  t.strictSame(commandWords("a --b 'c d' '' e"), ['a', '--b', 'c d', '', 'e'])
  t.strictSame(commandWords("a 'it'\\''s b' c"), ['a', "it's b", 'c'])
  t.end()
})

void t.test(
  'balancers for pairs are left out, and lines keep their number',
  t => {
    const member = 'BalancerMember balancer://'
    t.equal(
      withoutPairs(
        `${member}zf.a http://a route=a\n${member}zf.a.b http://a route=a\n${member}zp.a.b http://b route=b\nProxySet balancer://zf.a.b maxattempts=2\nHeader set X 1\n`,
      ),
      `${member}zf.a http://a route=a\n\n\n\nHeader set X 1\n`,
    )
    t.end()
  },
)

const made: GeneratedFile = {
  file: '/g.conf',
  text: '# old\nA 1\nB 2\n',
  version: '0.1.0',
  command: 'zope-failover apache-conf',
  isNewer: false,
  fresh: { kind: 'text', text: '# new\nA 1\nB 2\n' },
}
const found = (one: Partial<GeneratedFile>) =>
  generatedFindings(httpdWith('', { generated: [{ ...made, ...one }] }))

void t.test('what is the same', t => {
  t.strictSame(found({}), [])
  t.strictSame(found({ fresh: { kind: 'text', text: made.text } }), [])
  t.strictSame(
    [...generatedSet(httpdWith('', { generated: [made] }))],
    ['/g.conf'],
  )
  const edited = { ...made, text: 'A 2' }
  t.equal(generatedSet(httpdWith('', { generated: [edited] })).size, 0)
  t.end()
})

void t.test('what is not', t => {
  t.match(found({ text: 'A 2\nB 2' }), [
    { code: 'generated-stale', what: /says "A 2" where it would say "A 1"/ },
  ])
  t.match(found({ text: 'A 1\nB 2\nC', isNewer: true }), [
    { code: 'generated-edited', what: /"C" where it would say "\(nothing\)"/ },
  ])
  t.match(found({ text: 'A 1' }), [{ what: /"\(nothing\)" where .* "B 2"/ }])
  const long = found({ text: 'x'.repeat(200) })
  t.match(long, [{ what: /says "x{117}…"/ }])
  const refused = { kind: 'refused', why: 'no such pool' } as const
  t.strictSame(heads(found({ fresh: refused })), ['error generated-refused'])
  t.equal(
    generatedSet(httpdWith('', { generated: [{ ...made, fresh: refused }] }))
      .size,
    0,
  )
  t.end()
})

const looked = (count: number): number => {
  let looks = 0
  const fresh = {
    kind: 'text',
    get text() {
      looks++
      return 'A 1\n'
    },
  } as const
  const httpd = httpdWith(
    'RewriteRule ^/(.*) http://x/$1 [P]\nBalancerMember http://x retry=1 ttl=9\n'.repeat(
      count,
    ),
    { generated: [{ ...made, fresh }] },
  )
  rewriteFindings(httpd)
  proxyFindings(httpd)
  generatedFindings(httpd)
  return looks
}

void t.test('each text is compared once, however long the configuration', t => {
  t.equal(looked(200), looked(2))
  t.end()
})
