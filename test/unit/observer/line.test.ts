import * as fc from 'fast-check'
import t from 'tap'
import { parseLine } from '../../../observer/line.ts'

const at = 1_795_362_578_160

/** What a line says, as `backend finding`. */
function said(line: string): string[] | undefined {
  return parseLine(line)?.observations.map(
    ({ backend, signal: finding }) => `${backend} ${finding}`,
  )
}

function lineOf(
  first: string,
  last: string = first,
  answer = 'zope1 zope2',
): string {
  return `zf1 ${at} first=${first} last=${last} answer=${answer}`
}

// the attempts are as a real httpd (2.4.71) wrote them
for (const [title, line, wanted] of [
  ['a page', lineOf('zope1,200,200,-'), ['zope1 good']],
  ['a redirect of Zope', lineOf('zope1,302,302,-'), ['zope1 good']],
  ['not found', lineOf('zope1,404,404,-'), ['zope1 good']],
  ["Zope's own error page", lineOf('zope1,503,503,-'), ['zope1 error']],
  [
    "Zope's own error page, replaced by httpd's",
    lineOf('zope1,200,500,-'),
    ['zope1 error'],
  ],
  ['no answer came', lineOf('zope1,502,-,-'), ['zope1 lost']],
  ['no answer in time', lineOf('zope1,502,-,1'), ['zope1 timeout']],
  ['gateway timeout', lineOf('zope1,504,-,-'), ['zope1 timeout']],
  [
    'the lead refused and the next one served',
    lineOf('zope2,200,200,-'),
    ['zope1 refused', 'zope2 good'],
  ],
  ['both refused', lineOf('zope2,503,-,-'), ['zope1 refused', 'zope2 refused']],
  [
    'no standby, and the lead refused',
    lineOf('zope1,503,-,-', undefined, 'zope1 -'),
    ['zope1 refused'],
  ],
  [
    'a second chance that worked',
    lineOf('zope1,502,-,-', 'zope2,200,200,-'),
    ['zope1 lost', 'zope2 good'],
  ],
  [
    'a second chance that failed as well',
    lineOf('zope1,502,-,1', 'zope2,502,-,-'),
    ['zope1 timeout', 'zope2 lost'],
  ],
  [
    "an error page of httpd's own after a lost answer",
    lineOf('zope1,502,-,-', '-,502,-,-'),
    ['zope1 lost'],
  ],
  ["the visitor's own fault", lineOf('zope1,400,-,-'), []],
  [
    'lost on a connection that has served before',
    lineOf('zope1,500,-,-'),
    ['zope1 lost'],
  ],
  ['no backend may serve', lineOf('-,503,-,-', undefined, 'NULL'), []],
  ['not proxied at all', lineOf('-,404,-,-', undefined, '-'), []],
  ['answered before the proxy', lineOf('-,403,-,-'), []],
] as const)
  void t.test(title, t => {
    t.strictSame(said(line), wanted)
    t.equal(parseLine(line)?.atMs, at)
    t.end()
  })

void t.test('anything but one of our complete lines is ignored', t => {
  const whole = lineOf('zope1,200,200,-')
  for (const line of [
    '',
    'GET / HTTP/1.1',
    whole.slice(1),
    whole.slice(0, -6),
    `${whole} `,
    `${whole}\r`,
    `${whole} answer=zope1 zope2`,
    whole.replace('zf1', 'zf2'),
    whole.replace('zope1,', 'Zope1,'),
    whole.replace('zope1,', `${'z'.repeat(33)},`),
    whole.replace(String(at), '12'),
  ])
    t.equal(parseLine(line), undefined, line)
  t.end()
})

void t.test('any bytes: a line of ours or nothing, and never an error', t => {
  const alphabet = 'zf1 firstlast=answer,-NULope12050\n"\\'.split('')
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...alphabet)), parts => {
      const request = parseLine(parts.join(''))
      return request === undefined || request.observations.length <= 3
    }),
  )
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), text => {
      return parseLine(text) === undefined
    }),
  )
  t.end()
})
