import t from 'tap'
import { globPattern, hasWildcard } from '../../../check/glob.ts'

void t.test('wildcards of Include', t => {
  const cases: readonly (readonly [string, string, boolean])[] = [
    ['*.conf', 'a.conf', true],
    ['*.conf', '.a.conf', false],
    ['*.conf', 'aXconf', false],
    ['.*', '.a', true],
    ['?.x', 'a.x', true],
    ['?.x', 'ab.x', false],
    ['[ab].x', 'b.x', true],
    ['[!ab].x', 'b.x', false],
    ['[0-9]*', '10-a', true],
    ['a+(b', 'a+(b', true],
    ['a[', 'a[', true],
  ]
  for (const [part, name, fits] of cases)
    t.equal(globPattern(part).test(name), fits, `${part} ${name}`)
  t.ok(hasWildcard('a[b]'))
  t.notOk(hasWildcard('a.b'))
  t.end()
})
