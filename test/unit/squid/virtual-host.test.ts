import t from 'tap'
import { rewrittenUrl } from '../../../squid/virtual-host.ts'

const site = { path: '/Plone', origin: null }
const origin = { scheme: 'https', host: 'www.example.org', port: '443' }

void t.test('the form of VirtualHostMonster', t => {
  for (const [url, expected] of [
    [
      'http://h/a',
      'http://h/VirtualHostBase/http/h:80/Plone/VirtualHostRoot/a',
    ],
    ['http://h', 'http://h/VirtualHostBase/http/h:80/Plone/VirtualHostRoot/'],
    [
      'https://h:8443/?q=/../x',
      'https://h:8443/VirtualHostBase/https/h:8443/Plone/VirtualHostRoot/?q=/../x',
    ],
    [
      'HTTPS://h/',
      'HTTPS://h/VirtualHostBase/HTTPS/h:443/Plone/VirtualHostRoot/',
    ],
    [
      'http://[::1]:99/a%2Fb//c',
      'http://[::1]:99/VirtualHostBase/http/[::1]:99/Plone/VirtualHostRoot/a%2Fb//c',
    ],
  ] as const)
    t.equal(rewrittenUrl(url, site), expected, url)
  t.equal(
    rewrittenUrl('http://10.0.0.1:81/x', { path: '', origin }),
    'http://10.0.0.1:81/VirtualHostBase/https/www.example.org:443/VirtualHostRoot/x',
  )
  t.end()
})

void t.test('what has no such form', t => {
  for (const url of [
    '',
    '/x',
    'ftp://h/x',
    'http://user@h/x',
    'http://h"/x',
    'http://h/a/../../manage',
    'http://h/a/%2e%2E/manage',
    'http://h/..',
    'http://h/VirtualHostRoot/x',
    'http://h/a/Virtual%48ostBase/http/evil:80',
    'http://h/_vh_x/y',
    'http://h?x',
  ])
    t.equal(rewrittenUrl(url, site), null, url)
  t.ok(rewrittenUrl('http://h/a/..b/.../_vhs_', site))
  t.end()
})
