import t from 'tap'
import { parseSquidConf } from '../../../check/squid-conf.ts'

function parse(files: Readonly<Record<string, string>>) {
  return parseSquidConf(
    'squid.conf',
    name => files[name],
    pattern => (pattern === 'conf.d/*' ? ['conf.d/a', 'conf.d/b'] : [pattern]),
  )
}

void t.test('lines, comments, joined lines, includes', t => {
  t.strictSame(
    parse({
      'squid.conf':
        '# x\n\nacl a  src \\\n  1.2.3.4\ninclude conf.d/* other\nlast "a b" \\',
      'conf.d/a': 'one 1',
      'conf.d/b': '  two 2\n',
    }),
    {
      files: ['squid.conf', 'conf.d/a', 'conf.d/b'],
      lines: [
        { file: 'squid.conf', line: 3, words: ['acl', 'a', 'src', '1.2.3.4'] },
        { file: 'conf.d/a', line: 1, words: ['one', '1'] },
        { file: 'conf.d/b', line: 1, words: ['two', '2'] },
        { file: 'squid.conf', line: 6, words: ['last', '"a', 'b"'] },
      ],
      unreadable: ['other'],
    },
  )
  t.end()
})

void t.test('a file that includes itself comes to an end', t => {
  const { files } = parse({ 'squid.conf': 'include squid.conf' })
  t.equal(files.length, 16)
  t.end()
})
