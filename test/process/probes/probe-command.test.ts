// `zope-failover probe` as a person or a monitoring system runs it.
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { resolve } from 'node:path'
import t from 'tap'
import {
  dist,
  freePort,
  publicDirectory,
  startProgram,
} from '../../../lab/processes.ts'
import { startZcMonitor } from '../../../lab/zc-monitor.ts'

void t.test('the exit code and the first line show the result', async t => {
  const server = createServer((request, response) => {
    response.statusCode = request.url === '/broken' ? 500 : 200
    const answer = (): unknown => response.end('OK')
    if (request.url === '/late') setTimeout(answer, 50)
    else if (request.url !== '/silent') answer()
  })
  // as waitress does
  server.on('checkContinue', (_request, response) => {
    response.writeContinue()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => server.close())
  const address = server.address()
  const port =
    typeof address === 'object' && address !== null ? address.port : 0
  const url = `http://127.0.0.1:${port}`
  const config = `${publicDirectory(t)}/zope-failover.yaml`
  const late = { path: '/late', slow: '20ms' }
  writeFileSync(
    config,
    JSON.stringify({
      backends: {
        zope1: url,
        late: { url, probe: late },
        busy: { url, probe: { path: '/silent', timeout: '300ms' } },
        deep: { url, probe: { deep: { path: '/broken' } } },
        tcp: { url, probe: { tcp: true } },
        ask: {
          url,
          probe: {
            ask: {
              port: (await startZcMonitor(t)).port,
              send: 'health_ok',
              expect: 'OK',
            },
          },
        },
        runs: { url, probe: { command: ['/bin/sh', '-c', 'echo a; exit 3'] } },
        missing: { url, probe: { command: ['/does/not/exist'] } },
      },
    }),
  )
  for (const [target, code, output] of [
    ['zope1', 0, /^OK: zope1 pass after/],
    ['late', 1, /^WARNING: late pass after .*later than slow/],
    ['zope1', 0, /^heartbeat {2}100 Continue after/m],
    ['busy', 1, /^WARNING: busy first-byte-timeout after/],
    ['deep', 2, /^deep {7}GET \/broken: .*does not answer: status 500/m],
    ['tcp', 0, /^OK: tcp pass after .*: the connection was accepted$/m],
    ['ask', 0, /^> health_ok\n\n< OK$/m],
    ['runs', 2, /^CRITICAL: runs exit after .* ended with 3: "a"\n[^]*^< a$/m],
    ['missing', 3, /^UNKNOWN: missing local after .*ENOENT/],
    ['runs', 2, /^heartbeat {2}100 Continue after/m],
    [`${url}/@@ok?a=b`, 0, /> GET \/@@ok\?a=b HTTP\/1\.1/],
    [`${url}/broken`, 2, /^CRITICAL: .*status 500/],
    [`http://127.0.0.1:${await freePort()}`, 2, /^CRITICAL: .* refused/],
    [
      'zope9',
      3,
      /^probe needs a backend of .* \(zope1, late, busy, deep, tcp, ask, runs, missing\)/,
    ],
    ['ftp://127.0.0.1', 3, /must be http/],
    ['http://me:secret@127.0.0.1/', 3, /without user/],
  ] as const) {
    const run = startProgram(t, process.execPath, [
      resolve(dist, 'cli/main.js'),
      'probe',
      target,
      `--config=${config}`,
    ])
    await run.gone
    t.equal(run.child.exitCode, code, target)
    t.match(run.output(), output, target)
    t.notMatch(run.output(), 'secret')
  }
  const run = startProgram(t, process.execPath, [
    resolve(dist, 'cli/main.js'),
    'probe',
    'zope1',
    '--config=/does/not/exist.yaml',
  ])
  await run.gone
  t.equal(run.child.exitCode, 3, 'no configuration')
})
