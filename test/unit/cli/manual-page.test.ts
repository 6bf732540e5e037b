import t from 'tap'
import { manualPage } from '../../../cli/manual-page.ts'

void t.test('text that roff would interpret is escaped', t => {
  const page = manualPage(
    [
      {
        name: 'drain',
        description: '.takes C:\\x out',
        arguments: [
          { name: 'name', written: '<name>', description: 'x.', choices: [] },
          { name: 'more', written: '[more]', description: '', choices: [] },
        ],
        options: [
          { long: '--json', value: null, description: "'s", choices: [] },
          {
            long: '--as',
            value: '<x>',
            description: 'so',
            choices: ['a', 'b'],
          },
        ],
      },
    ],
    '1.2.3',
  )
  t.match(page, '.TH ZOPE\\-FAILOVER 1 "" "zope\\-failover 1.2.3"\n')
  t.match(
    page,
    [
      '.SS',
      'zope\\-failover drain \\fI<name>\\fR \\fI[more]\\fR',
      '\\&.takes C:\\ex out.',
      '.TP',
      '.B <name>',
      'X.',
      '.TP',
      '.B \\-\\-json',
      "\\&'s.",
      '.TP',
      '.B \\-\\-as <x>',
      'So. One of a, b.',
      '',
    ].join('\n'),
  )
  t.end()
})
