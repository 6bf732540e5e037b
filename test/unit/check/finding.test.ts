import t from 'tap'
import {
  checkReport,
  checkText,
  exitCodeOf,
  locationOf,
  type Finding,
} from '../../../check/finding.ts'

const info: Finding = {
  code: 'small',
  severity: 'info',
  what: 'a thing',
  why: 'it is so',
  remedy: 'first\nthen',
  where: null,
}
const error: Finding = {
  ...info,
  code: 'great',
  severity: 'error',
  what: 'an \u001B[31modd thing',
  where: '/x:1',
}
const warning: Finding = { ...info, code: 'middle', severity: 'warning' }
const seen = {
  config: '/etc/z.yaml',
  directory: '/run/z',
  servers: [
    { conf: '/etc/httpd.conf', version: '2.4.71', files: 3, maps: 1 },
    { conf: '/etc/b.conf', version: null, files: 1, maps: 0 },
  ],
}

void t.test('worst first, each once', t => {
  const report = checkReport('1.0', seen, [info, warning, error, { ...info }])
  t.strictSame(
    report.findings.map(({ code }) => code),
    ['great', 'middle', 'small'],
  )
  t.equal(report.worst, 'error')
  t.equal(checkReport('1.0', seen, []).worst, null)
  t.end()
})

const reportOf = (...found: Finding[]) => checkReport('1.0', seen, found)

void t.test('the exit code', t => {
  t.equal(exitCodeOf(reportOf(), 'info'), 0)
  t.equal(exitCodeOf(reportOf(info), 'warning'), 0)
  t.equal(exitCodeOf(reportOf(info), 'info'), 1)
  t.equal(exitCodeOf(reportOf(warning), 'warning'), 1)
  t.equal(exitCodeOf(reportOf(warning), 'error'), 0)
  t.equal(exitCodeOf(reportOf(error), 'error'), 1)
  t.end()
})

void t.test('the text', t => {
  t.equal(
    checkText(
      checkReport('1.0', seen, [
        info,
        error,
        warning,
        { ...warning, what: 'b' },
      ]),
      false,
    ),
    `error great /x:1
  an \\u001b[31modd thing
  why: it is so
  do:  first
       then

warning middle
  a thing
  why: it is so
  do:  first
       then

warning middle
  b
  why: it is so
  do:  first
       then

info small
  a thing
  why: it is so
  do:  first
       then

1 error, 2 warnings, 1 info; looked at /etc/z.yaml, /run/z, httpd 2.4.71 with /etc/httpd.conf (3 files, 1 maps asked), httpd of unknown version with /etc/b.conf (1 files, 0 maps asked)
`,
  )
  t.match(checkText(checkReport('1.0', seen, []), true), /^nothing found; /)
  t.match(
    checkText(checkReport('1.0', seen, [error]), true),
    '\u001B[31merror\u001B[0m great',
  )
  t.end()
})

void t.test('a place', t => {
  t.equal(locationOf({ file: '/x', line: 3 }), '/x:3')
  t.end()
})

void t.test('a Squid that was looked at', t => {
  const report = checkReport('1', { ...seen, servers: [], squid: '/s' }, [])
  t.equal(
    checkText(report, false),
    'nothing found; looked at /etc/z.yaml, /run/z, Squid with /s\n',
  )
  t.end()
})
