// Words that must not come back. Each has a plainer one, which the message says.
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import t from 'tap'

const patterns: readonly (readonly [RegExp, string])[] = [
  [/\banew\b/i, 'again'],
  [/\bfor ever\b/i, 'forever'],
  [/\bmend(?:s|ed|ing)?\b/i, 'fix'],
  [/\bwhoever\b/i, 'name the visitor, the backend or the program'],
  // not the state and the kind of that name
  [
    /(?<![`'".,_-])(?<![`'".,_-] ?)\bnobody\b(?![`'"(:,])/i,
    'no visitor, no backend, none',
  ],
  [/\bsomebody\b/i, 'a user, an administrator, another program'],
  [/\banybody\b/i, 'any user'],
  [/\beverybody\b/i, 'every visitor, every user'],
  [/\b(?:is|are|was|were|be) told of\b/i, 'is reported'],
  [/\bwhat must hold\b/i, 'Invariant'],
  [/\bbound visitors?\b/i, 'sticky visitor'],
  [/\bfail-over\b/i, 'failover (noun), fail over (verb)'],
  [/\bbeside\b/i, 'next to, in addition to, compared with'],
  [/\b(?:is|are|was|were|be) told\b(?! [a-z])/i, 'is reported, is logged'],
  [/\ban? [\w-]+ of (?:its|their) own\b/i, 'its own'],
  [/\bset-ups?\b/i, 'setup'],
  [/\btaken? (?:it|them|this|that) for\b/i, 'mistake for'],
  [/\b(?:with|for|by) whoever\b|\bwhom\b/i, 'name the backend or the visitor'],
  [/\bcontract,? (?:section )?\d/i, 'name the rule itself'],
  [/\b(?:colour|behaviour|favour|licence|neighbour)/i, 'American spelling'],
]

const isExempt = (file: string): boolean =>
  ['test/unit/words.test.ts', 'CHANGELOG.md'].includes(file)

void t.test('plain words', t => {
  const files = execFileSync(
    'git',
    ['-c', `safe.directory=${process.cwd()}`, 'ls-files', '-z'],
    { encoding: 'utf8' },
  )
    .split('\0')
    .filter(file => !isExempt(file) && !file.endsWith('/setup.sh'))
    .filter(file => /\.(?:ts|js|md|conf|html|sh|service|css)$/.test(file))
  t.ok(files.length > 400)
  const found: string[] = []
  for (const file of files)
    for (const [index, line] of readFileSync(file, 'utf8')
      .split('\n')
      .entries()) {
      for (const [pattern, plainer] of patterns) {
        const word = pattern.exec(line)?.[0]
        if (word !== undefined)
          found.push(`${file}:${index + 1}: "${word}" (${plainer})`)
      }
    }
  t.strictSame(found, [])
  t.end()
})
