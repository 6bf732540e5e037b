// The mail that a notice becomes.
import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import t from 'tap'
import { dist, publicDirectory } from '../../../lab/processes.ts'

void t.test('a mail reaches its recipients', t => {
  const directory = publicDirectory(t)
  const sendmail = `${directory}/sendmail`
  writeFileSync(
    sendmail,
    `#!/bin/sh\necho "$@" >${directory}/args\ncat >${directory}/mail\n`,
    { mode: 0o755 },
  )
  const title = 'RESOLVED: backend zope1 up … '.repeat(3)
  execFileSync(
    resolve(dist, '../examples/notify/notify-by-mail'),
    ['admin@example.org'],
    {
      env: {
        PATH: '/usr/bin:/bin',
        SENDMAIL: sendmail,
        ZOPE_FAILOVER_TITLE: title,
        ZOPE_FAILOVER_TEXT: 'one\ntwo ‹',
      },
    },
  )
  t.equal(readFileSync(`${directory}/args`, 'utf8'), '-t -oi\n')
  const mail = readFileSync(`${directory}/mail`, 'utf8')
  t.match(mail, /^To: admin@example.org\nSubject: =\?UTF-8\?B\?/)
  t.match(mail, /\nAuto-Submitted: auto-generated\n\none\ntwo ‹\n$/)
  const encoded = /\?B\?(.*)\?=/.exec(mail)?.[1] ?? ''
  t.equal(Buffer.from(encoded, 'base64').toString(), title)
  t.end()
})
