import t from 'tap'
import { decidesKind, kindProblems } from '../../../config/light-probe.ts'

const ask = { port: 8180, send: 'health_ok', expect: 'OK' }

void t.test('a block decides its kind, or leaves it to the one for all', t => {
  for (const [block, decides] of [
    [{}, false],
    [{ path: '/' }, false],
    [{ tcp: true }, true],
    [{ tcp: false }, true],
    [{ ask }, true],
    [{ command: ['/bin/true'] }, true],
  ] as const)
    t.equal(decidesKind(block), decides, JSON.stringify(block))
  t.end()
})

/** Problems of a backend's block, with the one for all. */
function rulesOf(block: object, common: object = {}): string[] {
  return kindProblems(['probe'], { ...block }, { ...common }).map(
    ({ path, rule }) => `${path.join('.')} ${rule}`,
  )
}

void t.test('keys that fit together', t => {
  for (const [block, common] of [
    [{ path: '/@@ok', body: 'OK', status: 200, method: 'GET' }, {}],
    [{ tcp: true, connectTimeout: '1s', verify: false }, {}],
    [{ tcp: false, path: '/@@ok' }, {}],
    [{ tcp: false, ask }, {}],
    [{ ask, maxBody: 100, host: 'www.example.org' }, {}],
    [{ tcp: true }, { path: '/@@ok', body: 'OK' }],
    [{ tcp: true }, { ask }],
    [{ tcp: false, path: '/@@ok' }, { ask }],
    [{ interval: '2s' }, { tcp: true }],
    [{ path: '/@@ok' }, { tcp: false }],
  ] as const)
    t.strictSame(rulesOf(block, common), [], JSON.stringify([block, common]))
  t.end()
})

void t.test('keys that do not fit together', t => {
  t.strictSame(rulesOf({ tcp: true, ask, command: ['/bin/true'] }), [
    'probe.ask must be left out next to probe.tcp: a light probe is of one kind, got {"port":8180,"send":"health_ok","expect":"OK"}',
    'probe.command must be left out next to probe.tcp: a light probe is of one kind, got ["/bin/true"]',
  ])
  t.strictSame(
    rulesOf({
      tcp: true,
      path: '/@@ok',
      method: 'GET',
      status: 200,
      body: 'a',
    }),
    [
      'probe.path must be left out next to probe.tcp, which asks for no page, got "/@@ok"',
      'probe.method must be left out next to probe.tcp, which asks for no page, got "GET"',
      'probe.status must be left out next to probe.tcp, which asks for no page, got 200',
      'probe.body must be left out next to probe.tcp, which asks for no page, got "a"',
    ],
  )
  t.strictSame(rulesOf({ path: '/' }, { ask }), [
    'probe.path must be left out while probe.ask holds for all backends and asks for no page ("tcp: false" next to it asks for one), got "/"',
  ])
  t.end()
})
