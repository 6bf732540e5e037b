// Setups that are wrong in one way each, kept in broken/: check must find just
// that, and say it in its own words. The httpd they are read by is a real one.
import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  chownSync,
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import t, { type Test } from 'tap'
import type { CheckReport } from '../../../check/finding.ts'
import { check } from '../../../lab/check.ts'
import { findHttpd } from '../../../lab/httpd.ts'
import { dist, publicDirectory } from '../../../lab/processes.ts'

const broken = new URL('broken/', import.meta.url)
const isRoot = process.getuid?.() === 0
const shared = ['base.conf', 'map.sh', 'zope-failover.yaml']

/** The setup in its own directory, with its real paths. */
function setUp(t: Test, name: string): string {
  const root = publicDirectory(t)
  const httpd = findHttpd()
  mkdirSync(`${root}/run`)
  for (const file of shared) cpSync(new URL(file, broken), `${root}/${file}`)
  cpSync(new URL(name, broken), root, { recursive: true })
  const values: Record<string, string> = {
    '@ROOT@': root,
    '@MODULES@': httpd.modules,
    '@HTTPD@': httpd.binary,
    '@NODE@': process.execPath,
    '@DIST@': dist,
    '@USER@': isRoot ? 'User www-data\nGroup www-data' : '',
    '@MAPUSER@': isRoot ? ' www-data' : '',
  }
  for (const entry of readdirSync(root, { recursive: true })) {
    const file = `${root}/${String(entry)}`
    if (!statSync(file).isFile()) continue
    const text = readFileSync(file, 'utf8')
    writeFileSync(
      file,
      text.replaceAll(/@[A-Z]+@/g, mark => values[mark] ?? mark),
    )
  }
  chmodSync(`${root}/map.sh`, 0o755)
  for (const name of ['zope1.up', 'zope2.up', 'zope-failover.map'])
    writeFileSync(`${root}/run/${name}`, '')
  writeFileSync(
    `${root}/run/monitor.json`,
    JSON.stringify({ pid: process.pid, backends: {} }),
  )
  // a monitor that has just written, however slow this machine is
  const soon = Date.now() / 1_000 + 1_800
  utimesSync(`${root}/run/monitor.json`, soon, soon)
  if (isRoot) {
    const [, , uid, gid] =
      readFileSync('/etc/passwd', 'utf8')
        .split('\n')
        .find(line => line.startsWith('www-data:'))
        ?.split(':') ?? []
    chownSync(`${root}/run`, Number(uid), Number(gid))
  }
  if (existsSync(`${root}/setup.sh`))
    execFileSync('/bin/sh', ['-eu', 'setup.sh'], {
      cwd: root,
      env: {
        ...process.env,
        ZF: `${process.execPath} ${dist}/cli/main.js`,
        TEST_PID: String(process.pid),
      },
      stdio: 'pipe',
    })
  return root
}

async function checkOf(
  root: string,
): Promise<{ code: number; report: CheckReport }> {
  const options = existsSync(`${root}/options`)
    ? readFileSync(`${root}/options`, 'utf8').split(/\s+/).filter(Boolean)
    : []
  return check(
    `--config=${root}/zope-failover.yaml`,
    `--httpd-conf=${root}/httpd.conf`,
    ...options,
  )
}

/** A line of `expected`: what is found; the others are words of it. */
function isHead(line: string): boolean {
  return /^(?:error|warning|info) [a-z0-9-]+$/.test(line)
}

function isHeavy(head: string): boolean {
  return !head.startsWith('info')
}

const names = readdirSync(broken).filter(name => /^\d\d-/.test(name))

void t.test('there are enough of them', t => {
  t.ok(names.length >= 20)
  t.end()
})

const errors = t.capture(process.stderr, 'write')

void t.test('setups', { jobs: 4 }, async t => {
  for (const name of names) {
    const setup = new URL(`${name}/setup.sh`, broken)
    const needsRoot =
      existsSync(setup) &&
      readFileSync(setup, 'utf8').startsWith('# needs root')
    void t.test(
      name.replaceAll('-', ' '),
      { skip: needsRoot && !isRoot ? 'another user is needed' : false },
      async t => {
        const root = setUp(t, name)
        const expected = readFileSync(`${root}/expected`, 'utf8')
          .split('\n')
          .filter(line => line !== '')
        const { code, report } = await checkOf(root)
        const heads = report.findings.map(
          finding => `${finding.severity} ${finding.code}`,
        )
        t.strictSame(
          [...new Set(heads.filter(isHeavy))].sort(),
          expected.filter(line => isHead(line) && isHeavy(line)).sort(),
          'these findings and no others',
        )
        for (const line of expected.filter(isHead))
          t.ok(heads.includes(line), line)
        const text = report.findings
          .map(({ what, why, remedy }) => [what, why, remedy].join('\n'))
          .join('\n')
        for (const line of expected.filter(one => !isHead(one)))
          t.ok(text.includes(line), line, { found: text })
        t.equal(code, heads.some(isHeavy) ? 1 : 0)
      },
    )
  }
})

void t.test('nothing is on stderr', t => {
  t.strictSame(
    errors().map(({ args }) => args[0]),
    [],
  )
  t.end()
})
