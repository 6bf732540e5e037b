// A real ZEO server, asked by itself.
import { createServer } from 'node:http'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import t from 'tap'
import { askZeo } from '../../../probes/zeo.ts'
import type { MonitorReport } from '../../../sentinels/reports.ts'
import {
  dist,
  freePort,
  hangMs,
  publicDirectory,
  startProgram,
  textOf,
  until,
} from '../../../lab/processes.ts'
import { startZeo } from '../../../lab/zeo.ts'
import { askProbe } from '../../../lab/zope-client.ts'
import { startZope } from '../../../lab/zope.ts'

const host = '127.0.0.1'

await t.test('well, frozen, killed, something else', async t => {
  const zeo = await startZeo(t)
  const zope = await startZope(t, { zeo, name: 'zope1' })
  const answer = await askZeo(host, zeo.port, hangMs)
  t.equal(answer.kind, 'well')
  const { transaction } = await askProbe(`${zope.url}/@@probe`)
  t.ok(answer.kind === 'well' && answer.last !== null, 'a transaction')
  if (answer.kind === 'well') {
    t.equal(answer.last?.id, transaction.own?.id, 'the same that Zope knows')
    t.equal(
      Math.round(answer.last?.seconds ?? 0),
      Math.round(transaction.own?.time ?? 0),
      'at the same time',
    )
  }
  zeo.freeze()
  t.match(await askZeo(host, zeo.port, 300), { why: 'no answer within 300 ms' })
  zeo.thaw()
  await zeo.kill()
  t.match(await askZeo(host, zeo.port, hangMs), { why: 'ECONNREFUSED' })
  const web = createServer()
  web.listen(0, host)
  await once(web, 'listening')
  t.teardown(() => web.close())
  const address = web.address()
  const port = typeof address === 'object' ? (address?.port ?? 0) : 0
  t.match(await askZeo(host, port, hangMs), { why: /greet/ })
})

await t.test('the monitor tells it once', async t => {
  const zeo = await startZeo(t)
  const root = publicDirectory(t)
  const directory = `${root}/sentinels`
  const configFile = `${root}/zope-failover.yaml`
  writeFileSync(
    configFile,
    JSON.stringify({
      directory,
      backends: { zope1: `http://${host}:${await freePort()}` },
      pools: { default: { zeo: `${host}:${zeo.port}` } },
    }),
  )
  const monitor = startProgram(t, process.execPath, [
    `${dist}/cli/main.js`,
    'monitor',
    `--config=${configFile}`,
  ])
  const state = (): string | undefined => {
    const text = textOf(`${directory}/monitor.json`)
    if (text === undefined) return undefined
    const report: MonitorReport = JSON.parse(text)
    return report.zeo?.['default']?.state
  }
  await until('well', () => state() === 'well')
  zeo.freeze()
  await until('gone', () => state() === 'gone')
  zeo.thaw()
  await until('well again', () => state() === 'well')
  t.equal(monitor.output().split('ZEO is gone').length, 2, 'logged once')
})
