// What check says of httpd, held against httpd itself.
import { spawnSync } from 'node:child_process'
import { chmodSync, readFileSync, writeFileSync } from 'node:fs'
import t, { type Test } from 'tap'
import type { CheckReport } from '../../../check/finding.ts'
import { aprWords, confWords } from '../../../check/httpd-text.ts'
import { startHttpd } from '../../../lab/httpd.ts'
import { dist, publicDirectory, until } from '../../../lab/processes.ts'

const mapUser = process.getuid?.() === 0 ? ' www-data' : ''

/** A map program that tells its arguments, and how it is called. */
function mapProgram(t: Test): string {
  const root = publicDirectory(t)
  chmodSync(root, 0o777)
  writeFileSync(
    `${root}/map.sh`,
    `#!/bin/sh\n[ $# -eq 0 ] || printf '%s\\n' "$@" > ${root}/arguments\nwhile read -r line; do echo NULL; done\n`,
  )
  chmodSync(`${root}/map.sh`, 0o755)
  return root
}

void t.test('a map that is not executable kills httpd at graceful', async t => {
  const maps = mapProgram(t)
  const httpd = await startHttpd(t, {
    conf: `RewriteEngine On\nRewriteMap zope "prg:${maps}/map.sh"${mapUser}\n`,
  })
  const root = /-f (\S+)\/httpd\.conf/.exec(
    readFileSync(`/proc/${httpd.pid}/cmdline`, 'utf8').replaceAll('\0', ' '),
  )?.[1]
  writeFileSync(
    `${maps}/zope-failover.yaml`,
    `directory: ${maps}/run\nbackends: { zope1: http://127.0.0.1:1 }\n`,
  )
  const codes = (): string[] => {
    const run = spawnSync(
      process.execPath,
      [
        `${dist}/cli/main.js`,
        'check',
        '--json',
        `--config=${maps}/zope-failover.yaml`,
        `--httpd-conf=${root}/httpd.conf`,
      ],
      { encoding: 'utf8' },
    )
    const report: CheckReport = JSON.parse(run.stdout)
    return report.findings
      .filter(({ severity }) => severity === 'error')
      .map(({ code }) => code)
  }
  t.strictSame(codes(), [], 'well so far')
  await httpd.graceful()
  chmodSync(`${maps}/map.sh`, 0o644)
  t.strictSame(codes(), ['map-not-executable'])
  t.ok(process.kill(httpd.pid, 0), 'check itself has not touched httpd')
  process.kill(httpd.pid, 'SIGUSR1')
  await until('httpd to end', () => {
    try {
      return readFileSync(`/proc/${httpd.pid}/stat`, 'utf8').includes(') Z')
    } catch {
      // gone altogether
      return true
    }
  })
  t.match(httpd.errorLog(), 'Configuration Failed, exiting')
})

void t.test('a command line is split as APR splits it', async t => {
  const maps = mapProgram(t)
  const tail = String.raw`one 'two words' "three "four\ 4 fi've' six\"6 \7 'a\'b' '' end`
  // as an argument of RewriteMap, whose own quotes go first
  const quoted = `"prg:${maps}/map.sh ${tail.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`
  const words = aprWords(confWords(quoted)[0] ?? '')
  const httpd = await startHttpd(t, {
    conf: `RewriteEngine On\nRewriteMap zope ${quoted}${mapUser}\n`,
  })
  const file = `${maps}/arguments`
  await until('the map to tell', () => {
    try {
      return readFileSync(file, 'utf8').endsWith('end\n')
    } catch {
      // not started yet
      return false
    }
  })
  t.strictSame(
    readFileSync(file, 'utf8').split('\n').slice(0, -1),
    words.slice(1),
  )
  await httpd.stop()
})
