import t from 'tap'
import { busyCountOf } from '../../../operate/server-status.ts'

/** Balancers of members; a member is `URL BUSY`. */
function page(...balancers: readonly (readonly string[])[]): string {
  const lines = balancers.flatMap((members, at) => [
    `ProxyBalancer[${at}]Name: balancer://zf.${at}`,
    ...members.flatMap((member, place) => {
      const [url = '', busy = ''] = member.split(' ')
      const key = `ProxyBalancer[${at}]Worker[${place}]`
      return [
        `${key}Name: ${url}`,
        `${key}Status: Init Ok `,
        `${key}Elected: 7`,
        `${key}Busy: ${busy}`,
        `${key}Sent: 0K`,
      ]
    }),
  ])
  return ['Total Accesses: 5', 'BusyWorkers: 9', ...lines, ''].join('\n')
}

const cases: [string, string, string, object][] = [
  [
    'what is no number is no count',
    page(['http://10.0.0.1:8080 x']),
    'http://10.0.0.1:8080',
    { kind: 'stranger' },
  ],
  [
    'a member of several balancers',
    page(
      ['http://10.0.0.1:8080 2', 'http://10.0.0.2:8080 5'],
      ['http://10.0.0.2:8080 1', 'http://10.0.0.1:8080 1'],
    ),
    'http://10.0.0.1:8080',
    { kind: 'count', count: 3 },
  ],
  [
    'nothing inside',
    page(['http://10.0.0.1:8080 0']),
    'http://10.0.0.1:8080',
    { kind: 'count', count: 0 },
  ],
  [
    'the usual port is not written',
    page(['https://zope.example.org 4', 'http://zope.example.org 9']),
    'https://zope.example.org:443',
    { kind: 'count', count: 4 },
  ],
  [
    'a host in brackets',
    page(['http://[::1]:8080 1']),
    'http://[::1]:8080',
    { kind: 'count', count: 1 },
  ],
  [
    'what is no URL',
    page(['http://:8080 1', 'unix:/run/zope.sock 1']),
    'http://10.0.0.1:8080',
    { kind: 'stranger' },
  ],
  [
    'another port',
    page(['http://10.0.0.1:8081 1']),
    'http://10.0.0.1:8080',
    { kind: 'stranger' },
  ],
  ['ProxyStatus is off', page(), 'http://10.0.0.1:8080', { kind: 'silent' }],
]

for (const [title, text, origin, wanted] of cases)
  void t.test(title, t => {
    t.strictSame(busyCountOf(text, origin), wanted)
    t.strictSame(busyCountOf(text.replaceAll('\n', '\r\n'), origin), wanted)
    t.end()
  })
