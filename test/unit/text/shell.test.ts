import { execFileSync } from 'node:child_process'
import t from 'tap'
import { shellLine, shellWord } from '../../../text/shell.ts'

void t.test('words that need no quotes have none', t => {
  for (const word of ['a', '--x=1', '/usr/bin/a.b', 'me@h:80'])
    t.equal(shellWord(word), word)
  t.equal(shellWord(''), "''")
  t.end()
})

void t.test('a shell reads back what was written', t => {
  const words = [
    "it's.html",
    "''",
    'a b',
    '$HOME',
    '`id`',
    '"',
    '\\',
    '',
    '*',
    'ä\n',
  ]
  t.equal(
    execFileSync('sh', ['-c', `printf '%s|' ${shellLine(words)}`], {
      encoding: 'utf8',
    }),
    words.map(word => `${word}|`).join(''),
  )
  t.end()
})
