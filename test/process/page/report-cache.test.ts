// The list of events, from real files.
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import t from 'tap'
import { parseConfig } from '../../../config/parse.ts'
import { ReportCache } from '../../../page/report-cache.ts'
import { publicDirectory } from '../../../lab/processes.ts'

void t.test('a pool changes when its members do, not for a moment', t => {
  const directory = `${publicDirectory(t)}/run`
  mkdirSync(directory)
  const config = parseConfig(
    `{ directory: ${directory}, staleAfter: 1h, backends: { zope1: "http://h:1", zope2: "http://h:2" } }`,
    'f',
  )
  const reports = new ReportCache(config, [])
  const put = (state: string, share: number | null): void => {
    const up = `${directory}/zope1.up`
    if (share === null) rmSync(up)
    else writeFileSync(up, `${share}\n`)
    const backend = { since: '', reason: '', probes: [] }
    writeFileSync(
      `${directory}/monitor.json`,
      JSON.stringify({
        pid: process.pid,
        backends: {
          zope1: { ...backend, state },
          zope2: { ...backend, state: 'up' },
        },
      }),
    )
  }
  /** Newest first: the events so far that name new visitors. */
  const moves = (): string[] => {
    // the next update is not the last one again
    reports.reconfigure(config, [])
    const cell = reports.template().cells.get('events') ?? ''
    return [...cell.matchAll(/new visitors go to (\w+)/g)].map(
      ([, name = '']) => name,
    )
  }
  writeFileSync(`${directory}/zope2.up`, '100\n')
  put('up', 100)
  t.strictSame(moves(), [])
  put('up', 0)
  t.strictSame(moves(), [], 'slow for less than a second')
  t.equal(reports.report().pools[0]?.newcomers.join(), 'zope2', 'as it is')
  put('up', 100)
  t.strictSame(moves(), [])
  put('slow', 0)
  t.strictSame(moves(), ['zope2'])
  put('slow', 100)
  t.strictSame(moves(), ['zope2'], 'well for less than a second')
  put('up', 100)
  t.strictSame(moves(), ['zope1', 'zope2'])
  put('up', null)
  t.strictSame(moves(), ['zope2', 'zope1', 'zope2'], 'down: at once')
  t.end()
})
