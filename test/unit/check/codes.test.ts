// docs/check-json.md lists every code, and only codes there are.
import { readFileSync, readdirSync } from 'node:fs'
import t from 'tap'

const root = new URL('../../../', import.meta.url)

function codesInSource(): Set<string> {
  const files = [
    'check/check.ts',
    ...readdirSync(new URL('check/findings/', root)).map(
      name => `check/findings/${name}`,
    ),
  ]
  const found = files.flatMap(file => [
    ...readFileSync(new URL(file, root), 'utf8').matchAll(
      /(?:code:|finding\(|\badd\()\s*(?:\w+\s*\?\s*)?'([a-z0-9-]+)'(?:\s*:\s*'([a-z0-9-]+)')?/g,
    ),
  ])
  return new Set(found.flatMap(([, one = '', two]) => [one, two ?? one]))
}

void t.test('the codes', t => {
  const text = readFileSync(new URL('docs/check-json.md', root), 'utf8')
  const listed = [
    ...text.slice(text.indexOf('## Codes')).matchAll(/^\| `([a-z0-9-]+)`/gm),
  ].map(([, code = '']) => code)
  t.strictSame(listed.sort(), [...codesInSource()].sort())
  t.end()
})
