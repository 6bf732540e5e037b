import t from 'tap'
import {
  formatAdminNote,
  formatShare,
  parseAdminNote,
  parseShare,
} from '../../../sentinels/content.ts'

void t.test('a share is one integer from 0 to 100, empty means 100', t => {
  for (const [text, share] of [
    ['', 100],
    ['\n', 100],
    ['100\n', 100],
    ['0\n', 0],
    ['50', 50],
    [' 50 \r\n', 50],
  ] as const)
    t.strictSame(parseShare(text), { value: share, problems: [] }, text)
  for (const [text, shown] of [
    ['101\n', String.raw`"101\n"`],
    ['-1', '"-1"'],
    ['1.5', '"1.5"'],
    ['50 %', '"50 %"'],
    ['1\n2\n', String.raw`"1\n2\n"`],
    ['x'.repeat(100), `"${'x'.repeat(57)}…"`],
  ] as const)
    t.strictSame(parseShare(text), {
      value: 100,
      problems: [
        `must hold one integer from 0 to 100, got ${shown}; treated as 100`,
      ],
    })
  t.equal(formatShare(50), '50\n')
  t.end()
})

void t.test('the lines of an administrator count, in any order', t => {
  const until = Date.parse('2026-11-22T18:00:00Z')
  for (const [text, reason, by, end] of [
    ['', null, null, null],
    ['\n \n', null, null, null],
    ['reason: new disk', 'new disk', null, null],
    ['reason: a: b', 'a: b', null, null],
    ['by:jim\nreason:x', 'x', 'jim', null],
    ['reason:\nby:\n', null, null, null],
    ['until: 2026-11-22T18:00:00Z\n', null, null, until],
    [
      'reason: x\r\nby: jim\r\nuntil: 2026-11-22T18:00:00Z\r\n',
      'x',
      'jim',
      until,
    ],
    ['\uFEFFreason: x\n', 'x', null, null],
  ] as const)
    t.strictSame(
      parseAdminNote(text),
      { value: { reason, by, until: end }, problems: [] },
      text,
    )
  t.end()
})

void t.test('until needs date, time and offset', t => {
  for (const [text, utc] of [
    ['2026-11-22T18:00:00Z', '2026-11-22T18:00:00Z'],
    ['2026-11-22t18:00:00z', '2026-11-22T18:00:00Z'],
    ['2026-11-22 18:00:00Z', '2026-11-22T18:00:00Z'],
    ['2026-11-22T18:00:00+01:00', '2026-11-22T17:00:00Z'],
    ['2026-11-22T18:00:00-05:30', '2026-11-22T23:30:00Z'],
    ['2026-11-22T18:00:00.250Z', '2026-11-22T18:00:00.250Z'],
    ['2028-02-29T00:00:00Z', '2028-02-29T00:00:00Z'],
  ] as const)
    t.strictSame(parseAdminNote(`until: ${text}`), {
      value: { reason: null, by: null, until: Date.parse(utc) },
      problems: [],
    })
  for (const text of [
    '',
    'tomorrow',
    '18:00',
    '2026-11-22',
    '2026-11-22T18:00Z',
    '2026-11-22T18:00:00',
    '2026-11-22T18:00:00 Z',
    '2026-02-31T18:00:00Z',
    '2026-02-29T18:00:00Z',
    '2026-13-01T18:00:00Z',
    '2026-11-00T18:00:00Z',
    '2026-11-22T24:00:00Z',
    '2026-11-22T18:60:00Z',
    '2026-11-22T18:00:00+30:00',
    '1795370400',
  ])
    t.strictSame(
      parseAdminNote(`by: jim\nuntil: ${text}`),
      {
        value: { reason: null, by: 'jim', until: null },
        problems: [
          `until must be a time like 2026-11-22T18:00:00Z, with date, time and offset, got ${JSON.stringify(text)}; treated as without end`,
        ],
      },
      text,
    )
  t.end()
})

void t.test('invalid lines are problems, the rest counts', t => {
  t.strictSame(
    parseAdminNote('Reason: x\nby: jim\nback soon\nby: joe\nreason: a\rb\n'),
    {
      value: { reason: null, by: 'joe', until: null },
      problems: [
        'may hold lines "reason: …", "by: …", "until: …" only, got "Reason: x"',
        'may hold lines "reason: …", "by: …", "until: …" only, got "back soon"',
        'must have one line "by: …" only; the last one counts',
        String.raw`may hold lines "reason: …", "by: …", "until: …" only, got "reason: a\rb"`,
      ],
    },
  )
  t.end()
})

void t.test('written content is read back unchanged', t => {
  const until = Date.parse('2026-11-22T18:00:00Z')
  for (const note of [
    { reason: null, by: null, until: null },
    { reason: 'new disk', by: 'jim', until },
    { reason: null, by: null, until },
  ])
    t.strictSame(parseAdminNote(formatAdminNote(note)), {
      value: note,
      problems: [],
    })
  t.equal(
    formatAdminNote({ reason: 'x', by: 'jim', until: until + 1 }),
    'until: 2026-11-22T18:00:01Z\nby: jim\nreason: x\n',
    'a part of a second is a whole one',
  )
  t.equal(
    formatAdminNote({
      reason: 'a\nuntil: 2030-01-01T00:00:00Z\r\u001B[31m b\u009B',
      by: ' ',
      until: null,
    }),
    'reason: a until: 2030-01-01T00:00:00Z [31m b\n',
    'a value cannot add a line or control the terminal',
  )
  t.end()
})

void t.test('the order of all machines', t => {
  const note = { reason: 'r', by: null, until: null, order: 'a1' }
  t.equal(formatAdminNote(note), 'order: a1\nreason: r\n')
  t.strictSame(parseAdminNote('order: a1\nreason: r\n').value, note)
  t.end()
})
