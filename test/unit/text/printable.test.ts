import t from 'tap'
import { printable, sentence, withoutSecrets } from '../../../text/printable.ts'

void t.test('nothing that a terminal would obey gets through', t => {
  for (const [text, shown] of [
    ['plain text, ünicode', 'plain text, ünicode'],
    ['\u001B[31mred', String.raw`\u001b[31mred`],
    ['\u009B31m', String.raw`\u009b31m`],
    ['two\nlines\r', String.raw`two\u000alines\u000d`],
    ['\u007F\u0000', String.raw`\u007f\u0000`],
    ['\u2028\u202Etxt.exe', String.raw`\u2028\u202etxt.exe`],
  ] as const)
    t.equal(printable(text), shown)
  t.end()
})

void t.test('passwords and query strings are left out', t => {
  for (const [text, shown] of [
    ['http://h:8080/path', 'http://h:8080/path'],
    ['http://user:secret@h:1', 'http://…@h:1'],
    ['http://user:sec/ret@h:1', 'http://…@h:1'],
    ['http://user:sec@ret@h:1', 'http://…@h:1'],
    ['http://user:sec ret@h:1', 'http://…@h:1'],
    ['http://h:1/?token=secret', 'http://h:1/?…'],
    ['/ok?a&token=secret', '/ok?…'],
    ['why?', 'why?'],
    // with a pattern this one takes minutes
    ['/'.repeat(1_000_000), '/'.repeat(1_000_000)],
  ] as const)
    t.equal(withoutSecrets(text), shown)
  t.end()
})

void t.test('a sentence is one line of at most 300 characters', t => {
  t.equal(sentence('refused\n'), String.raw`refused\u000a`)
  t.equal(sentence('x'.repeat(300)), 'x'.repeat(300))
  t.equal(sentence('x'.repeat(301)), `${'x'.repeat(299)}…`)
  t.equal(sentence('\n'.repeat(100_000)).length, 300)
  t.equal(sentence('\u0000'.repeat(51)).length, 300)
  t.end()
})
