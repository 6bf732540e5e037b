import t from 'tap'
import { compilePattern, maxPatternSize } from '../../../config/pattern.ts'

/** The result of a pattern for a text, or why it is rejected. */
function verdict(source: string, text: string): boolean | string {
  const pattern = compilePattern(source)
  return typeof pattern === 'object' ? pattern.test(text) : pattern
}

void t.test('patterns as RegExp has them', t => {
  for (const [source, text, isFound] of [
    ['OK|ready', 'it is ready', true],
    ['^OK$', 'OK', true],
    ['^OK$', 'OK\n', false],
    ['^OK$', 'a\nOK\nb', false],
    ['a.c', 'a\nc', false],
    ['a[^]c', 'a\nc', true],
    ['text\\/html', 'text/html', true],
    ['\\bPlone\\b', 'a Plone site', true],
    ['\\u0047r\u00fc\u00dfe', 'Gr\u00fc\u00dfe', true],
    ['(?<word>\\w+) \\d{2,}', 'page 17', true],
    ['x{', 'x{', true],
    ['[\\d-x]', '-', true],
    ['\\s+x', '\t\n x', true],
  ] as const) {
    t.equal(verdict(source, text), isFound, source)
    t.equal(new RegExp(source).test(text), isFound, `RegExp: ${source}`)
  }
  t.end()
})

void t.test('rejected patterns, and why', t => {
  for (const [source, why] of [
    ['(', 'unreadable'],
    ['a{2,1}', 'unreadable'],
    ['^(?!.*Error)', 'unsupported'],
    ['(?<=a)b', 'unsupported'],
    ['(a)\\1', 'unsupported'],
    ['(?:a{1000}){2}', 'unsupported'],
    [`a{${maxPatternSize}}`, 'too-large'],
    [`(?:a{1,10}){1,${maxPatternSize / 10}}`, 'too-large'],
  ] as const)
    t.equal(verdict(source, ''), why, source)
  t.end()
})

void t.test('no text makes one take long', t => {
  for (const [source, text] of [
    ['(a+)+$', 'a'],
    ['^(a|a)*$', 'a'],
    ['(a|aa)+$', 'a'],
    ['(.*a){20}$', 'a'],
    ['^(([a-z])+.)+[A-Z]([a-z])+$', 'a'],
    ['(x+x+)+y', 'x'],
    ['\\s+$', ' '],
    ['a.*b.*c.*d', 'abc'],
    ['.{0,200}c$', 'ab'],
  ] as const) {
    const begun = performance.now()
    t.equal(verdict(source, `${text.repeat(65_536 / text.length)}!`), false)
    t.comment(`${source}: ${Math.round(performance.now() - begun)} ms`)
  }
  t.end()
})
