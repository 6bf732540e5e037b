import t from 'tap'
import {
  aprWords,
  confWords,
  logicalLines,
  rewriteWords,
} from '../../../check/httpd-text.ts'

void t.test('lines', t => {
  t.strictSame(
    logicalLines(
      '# a comment \\\n  goes on\n\n  A 1\r\nB \\\n  2 \\\n  3\nC \\\\\n4\n D \\',
    ),
    [
      { text: 'A 1', number: 4 },
      { text: 'B   2   3', number: 5 },
      { text: 'C \\4', number: 8 },
      { text: 'D', number: 10 },
    ],
  )
  t.end()
})

const lists: readonly [
  string,
  (text: string) => string[],
  readonly (readonly [string, readonly string[]])[],
][] = [
  [
    'of most directives',
    confWords,
    [
      ['', []],
      ['  a  b\t c ', ['a', 'b', 'c']],
      [`"a b" 'c "d"' ''`, ['a b', 'c "d"', '']],
      [
        String.raw`"a \"b\" \\ \n" 'it\'s' c\\d e\"f`,
        ['a "b" \\ \\n', "it's", 'c\\d', 'e\\"f'],
      ],
      ['"open end', ['open end']],
      ['"a"b', ['a', 'b']],
    ],
  ],
  [
    'of rewrite rules',
    rewriteWords,
    [
      ['^/$ /x [P,NE]', ['^/$', '/x', '[P,NE]']],
      [
        String.raw`"^(\S+) \1$" 'a b' a\ b \.`,
        ['^(\\S+) \\1$', 'a b', 'a\\ b', '\\.'],
      ],
      ['"open', ['open']],
    ],
  ],
  [
    'of a map program',
    aprWords,
    [
      ['', []],
      [' /x\t--a  b', ['/x', '--a', 'b']],
      [`'a b' "c 'd'" e'f`, ['a b', "c 'd'", "e'f"]],
      [
        String.raw`a\ b \" "c\"d" e\f g\\h i\ `,
        ['a b', '"', 'c"d', 'ef', 'g\\h', 'i '],
      ],
      [String.raw`'a'b c\ `.trim(), ['a', 'b', 'c']],
      ["'open", ['open']],
    ],
  ],
]

for (const [name, cut, cases] of lists)
  void t.test(`words ${name}`, t => {
    for (const [text, words] of cases)
      t.strictSame(cut(text), words, JSON.stringify(text))
    t.end()
  })
