import t from 'tap'
import type { Trial } from '../../../../check/facts.ts'
import {
  questionsFor,
  trialFindings,
} from '../../../../check/findings/trial.ts'
import { ownMap, type OwnMap } from '../../../../check/map-command.ts'
import { heads } from '../facts.ts'

const own = ownMap(['/l', '/n', '/rewritemap/main.js', '--answer', 'pair'])
const named = ownMap(['/l', '/n', '/rewritemap/main.js'])
const pools = [{ name: 'p', members: ['a', 'b'], isServed: true }]
const empty = [{ name: 'p', members: ['a', 'b'], isServed: false }]

const well: Trial = {
  questions: ['n p', 'm x'],
  output: 'n a b\nm NULL\n',
  late: '',
  errors: '',
  failure: undefined,
  isEarly: false,
  hasEnded: true,
  end: 'exit code 0',
  limitMs: 10_000,
}
const found = (
  trial: Partial<Trial>,
  of: OwnMap | null | undefined = own,
  known: typeof pools = pools,
) => trialFindings({ ...well, ...trial }, of ?? undefined, known, '/x:1', 'try')

void t.test('the questions', t => {
  const questions = questionsFor(own, pools)
  t.equal(questions[0], 'check-0 p')
  t.equal(questions.length, 3)
  t.ok(questions.every(line => !line.includes('\n')))
  t.equal(questionsFor(undefined, pools).length, 3)
  t.end()
})

void t.test('right answers', t => {
  t.strictSame(found({}), [])
  t.strictSame(found({ output: 'n a -\nm NULL\n' }), [])
  t.strictSame(found({ output: 'n NULL\nm NULL\n' }, own, empty), [])
  t.strictSame(found({ output: 'n b\nm NULL\n' }, named), [])
  t.strictSame(found({ output: 'x\ny\n' }, null), [], 'another program')
  t.end()
})

void t.test('wrong ones', t => {
  const cases: readonly (readonly [
    string,
    Partial<Trial>,
    (OwnMap | null | undefined)?,
    RegExp?,
  ])[] = [
    ['error trial-not-started', { failure: 'EACCES' }, own, /EACCES/],
    [
      'error trial-ended-early',
      { output: 'n a b\n', isEarly: true, hasEnded: false, errors: 'a\nb\n' },
      own,
      /\(exit code 0\) after 1 of 2 answers; it said: a \| b/,
    ],
    ['error trial-buffered', { output: '', late: 'n a b\nm NULL\n' }],
    ['error trial-no-answer', { output: '' }, own, /0 of 2 .* within 10 s$/],
    [
      'error trial-no-answer',
      { output: 'n a b\nNULL' },
      own,
      /, and an incomplete line: "NULL"$/,
    ],
    ['error trial-too-many-lines', { output: 'n a b\nm NULL\n\n' }],
    [
      'error trial-too-many-lines',
      { output: 'a\nb\n', late: 'c' },
      null,
      /2 lines and an incomplete one for 2/,
    ],
    ['error trial-wrong-nonce', { output: 'a b\nm NULL\n' }],
    ['error trial-nobody', { output: 'n NULL\nm NULL\n' }],
    ['error trial-wrong-answer', { output: 'n a\nm NULL\n' }],
    ['error trial-wrong-answer', { output: 'n a b\nm a -\n' }],
    ['error trial-wrong-answer', { output: 'n - a\nm NULL\n' }],
    ['error trial-wrong-answer', { output: 'n c -\nm NULL\n' }],
    ['error trial-wrong-answer', { output: 'n -\nm NULL\n' }, named],
    ['warning trial-does-not-end', { hasEnded: false }],
  ]
  for (const [head, trial, of = own, text = /./] of cases) {
    const findings = found(trial, of)
    t.strictSame(heads(findings), [head])
    t.match(findings[0]?.what, text)
  }
  t.strictSame(heads(found({ output: 'x\ny\nz\n' }, null)), [
    'error trial-too-many-lines',
  ])
  t.strictSame(
    heads(
      trialFindings(
        { ...well, questions: ['n p', ' x'], output: 'n a -\n NULL\n' },
        own,
        pools,
        '',
        '',
      ),
    ),
    [],
  )
  t.end()
})
