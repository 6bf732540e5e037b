import t from 'tap'
import { describeProblem } from '../../../config/problem.ts'
import { readYaml } from '../../../config/yaml.ts'

function problemsOf(text: string): string[] {
  return readYaml(text).problems.map(problem => describeProblem('f', problem))
}

void t.test('the line of a key, or of the nearest one around it', t => {
  const { lineOf, value, problems } = readYaml(
    ['a:', '  b:', '    - x', '    - c: 1', '1: 2', '? ', ': 3'].join('\n'),
  )
  t.strictSame(problems, [])
  t.strictSame(value, { a: { b: ['x', { c: 1 }] }, 1: 2, '': 3 })
  t.equal(lineOf(['a']), 1)
  t.equal(lineOf(['a', 'b']), 2)
  t.equal(lineOf(['a', 'b', 1]), 4)
  t.equal(lineOf(['a', 'b', 1, 'c']), 4)
  t.equal(lineOf(['a', 'b', 'missing', 'deeper']), 2)
  t.equal(lineOf(['1']), 5)
  t.equal(lineOf(['missing']), undefined)
  t.end()
})

void t.test('syntax errors have their line and no piece of the text', t => {
  t.strictSame(problemsOf('a: b: "secret"\n'), [
    'f:1: the file must be YAML: Nested mappings are not allowed in compact mappings',
  ])
  t.strictSame(problemsOf('backends: [\n'), [
    'f:2: the file must be YAML: Flow sequence in block collection must be sufficiently indented and end with a ]',
  ])
  t.strictSame(problemsOf('a: !secret x\n'), [
    'f:1: the file must be YAML: Unresolved tag: !secret',
  ])
  t.strictSame(problemsOf('a: 1\n---\nb: 1\n'), [
    'f:2: the file must be one YAML document, but a second one begins here',
  ])
  t.equal(problemsOf('a: b: c\n'.repeat(50)).length, 10, 'the first ten')
  t.equal(readYaml('[').lineOf(['a']), undefined)
  t.end()
})

void t.test('mistakes that YAML accepts are problems', t => {
  t.strictSame(problemsOf('a: 1\nb: { c: 1, c: 2 }\na: 3\n'), [
    'f:2: b.c must be given only once, it is already in line 2',
    'f:3: a must be given only once, it is already in line 1',
  ])
  t.match(readYaml('# nothing\n'), { value: null, problems: [] })
  t.strictSame(problemsOf('__proto__: 1\n'), [
    'f:1: the file must have words as keys',
  ])
  t.strictSame(problemsOf('a:\n  ? [b]\n  : 1\n'), [
    'f:2: a must have words as keys',
  ])
  t.end()
})

void t.test('aliases work, but not without end', t => {
  const shared = readYaml(
    `a: &x { p: 1 }\n${Array.from({ length: 1_000 }, (_, i) => `b${i}: *x\n`).join('')}`,
  )
  t.strictSame(shared.problems, [], 'a thousand may share one mapping')
  t.match(shared.value, { b999: { p: 1 } })
  t.strictSame(problemsOf('a: *x\n'), [
    'f:1: a must set the anchor &x before its alias *x',
  ])
  t.strictSame(problemsOf('a: &x\n  b:\n    - *x\n'), [
    'f:3: a.b[0] must not contain itself by the alias *x',
  ])
  const bomb = Array.from(
    { length: 9 },
    (_, i) =>
      `${'abcdefghi'[i]}: &${'abcdefghi'[i]} [${Array.from({ length: 9 }, () => (i === 0 ? 'x' : `*${'abcdefghi'[i - 1]}`)).join(',')}]\n`,
  ).join('')
  t.strictSame(problemsOf(bomb), [
    'f: the file must hold at most 200000 values, repetitions by aliases included',
  ])
  t.end()
})

void t.test('aliases are worth what they name, wherever they stand', t => {
  t.match(readYaml('a: &x { p: &y 1, q: *y }\nb: [*x, *y]\n'), {
    value: { a: { p: 1, q: 1 }, b: [{ p: 1, q: 1 }, 1] },
    problems: [],
  })
  t.strictSame(readYaml('a: &x ~\nb: *x\n').value, { a: null, b: null })
  // each alias may be short, what they name together may not
  const wide = `a: &x [${'1,'.repeat(5_000)}]\n`
  const rows = Array.from({ length: 100 }, (_, i) => `b${i}: *x\n`).join('')
  t.match(problemsOf(wide + rows), [/must hold at most 200000 values/])
  t.end()
})

const mib = 1024 * 1024
const deeply = 'f: the file must not be nested so deeply'
const many = 'f: the file must have at most 200000 tokens (about 20,000 lines)'

void t.test('a deeply nested text is a problem: no crash, no delay', t => {
  for (const [text, problem] of [
    [`a: ${'['.repeat(5_000)}`, deeply],
    [`a: ${'{a: '.repeat(5_000)}1${'}'.repeat(5_000)}`, deeply],
    // an open end made V8 run out of memory, which ends the process
    ['{'.repeat(mib), deeply],
    ['['.repeat(mib), deeply],
    ['- '.repeat(mib / 2), deeply],
    ['? '.repeat(mib / 2), deeply],
    ['a: '.repeat(mib / 3), deeply],
  ] as const)
    t.strictSame(problemsOf(text), [problem])
  t.end()
})

void t.test(
  'a text of a million tokens is rejected before it is composed',
  t => {
    t.strictSame(problemsOf(`[${'1,'.repeat(mib / 2)}]`), [many])
    t.equal(problemsOf(']'.repeat(mib)).length, 1)
    t.equal(problemsOf('%a\n'.repeat(mib / 3)).length, 10)
    t.match(problemsOf('---\n'.repeat(mib / 4)), [/a second one begins/])
    t.end()
  },
)
