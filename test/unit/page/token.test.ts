import t from 'tap'
import type { FileRead } from '../../../system/regular-file.ts'
import { bearerOf, tokenIn } from '../../../page/token.ts'

const token = 'Aa0+/='.repeat(6)

function file(text: string, mode = 0o640, isCut = false): FileRead {
  return { kind: 'bytes', text, isCut, modifiedMs: 0, owner: 0, group: 0, mode }
}

void t.test('a token that is kept secret', t => {
  for (const mode of [0o640, 0o600, 0o400, 0o440])
    t.strictSame(tokenIn('/f', file(`${token}\n`, mode)), {
      kind: 'token',
      token,
    })
  for (const text of [token, `${token}\r\n`, 'x'.repeat(32), 'x'.repeat(500)])
    t.match(tokenIn('/f', file(text)), { kind: 'token' })
  t.end()
})

void t.test('any other file', t => {
  for (const [read, why, remedy] of [
    [
      { kind: 'gone' },
      /does not exist/,
      /install -m 640 .* \/f; .*base64 > \/f/,
    ],
    [
      { kind: 'refused', why: '', what: '' },
      /must be a regular file/,
      /install -m 640/,
    ],
    [
      { kind: 'closed', code: 'EACCES', modifiedMs: 0 },
      /cannot be read by the monitor \(EACCES\)/,
      /chmod 640/,
    ],
    [file(token, 0o644), /got mode 644/, /install -m 640/],
    [file(token, 0o660), /writable only by its owner/, /install -m 640/],
    [file(''), /32 to 500 ASCII characters/, /base64/],
    [file('x'.repeat(31)), /32 to 500 ASCII characters/, /base64/],
    [file('x'.repeat(501)), /32 to 500 ASCII characters/, /base64/],
    [file(token, 0o640, true), /32 to 500 ASCII characters/, /base64/],
    [file(`${token} ${token}`), /without spaces/, /base64/],
    [file(`${token}\n${token}`), /without spaces/, /base64/],
    [file(`${token}ä`), /ASCII characters/, /base64/],
  ] as const) {
    const result = tokenIn('/f', read)
    t.match(result, { kind: 'unusable', why, remedy })
    t.notMatch(JSON.stringify(result), token)
  }
  t.end()
})

void t.test('the header that carries it', t => {
  for (const [header, given] of [
    [`Bearer ${token}`, token],
    ['bearer  x ', 'x'],
    ['Bearer', undefined],
    ['Bearer ', undefined],
    ['Bearer a b', undefined],
    ['Basic YTpi', undefined],
    ['xBearer a', undefined],
    ['', undefined],
    [undefined, undefined],
  ] as const)
    t.equal(bearerOf(header), given, String(header))
  t.end()
})
