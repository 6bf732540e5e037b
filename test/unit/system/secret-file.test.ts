import t from 'tap'
import { secretIn } from '../../../system/secret-file.ts'
import type { FileRead } from '../../../system/regular-file.ts'

const content = { pattern: /^\w{1,5}\n?$/, rule: 'one word' }

function look(read: FileRead) {
  return secretIn('/etc/s\u0007', read, content, file => `cat > ${file}`)
}

function bytes(text: string, mode: number, isCut = false): FileRead {
  return {
    kind: 'bytes',
    text,
    mode,
    isCut,
    modifiedMs: 0,
    owner: 0,
    group: 0,
  }
}

const make =
  'install -m 640 -g zope-failover /dev/null /etc/s\\u0007; cat > /etc/s\\u0007'

void t.test('a secret is used only if its file is closed to others', t => {
  t.strictSame(look(bytes('word\n', 0o640)), { kind: 'secret', secret: 'word' })
  for (const [read, why, remedy] of [
    [bytes('word', 0o644), 'got mode 644', make],
    [bytes('word', 0o660), 'got mode 660', make],
    [bytes('two words', 0o600), 'must contain one word', make],
    [bytes('word', 0o600, true), 'must contain one word', make],
    [{ kind: 'gone' }, 'does not exist', make],
    [
      { kind: 'refused', why: '', what: '' },
      'must be a regular file, not a link',
      make,
    ],
    [
      { kind: 'closed', code: 'EACCES', modifiedMs: undefined },
      'cannot be read by the monitor (EACCES)',
      'chgrp zope-failover /etc/s\\u0007; chmod 640 /etc/s\\u0007',
    ],
  ] as const) {
    const found = look(read)
    t.ok(found.kind === 'unusable' && found.why.includes(why), why)
    t.match(found, { remedy, isClosed: read.kind === 'closed' })
    t.notMatch(JSON.stringify(found), /two words|"word"/)
  }
  t.end()
})
