import t from 'tap'
import { fill } from '../../../apache-conf/template.ts'

void t.test('values and sections', async t => {
  for (const [template, values, text] of [
    ['a {{b}} c', { b: 1 }, 'a 1 c'],
    ['%{ENV:{{b}}} ${x}', { b: 'B' }, '%{ENV:B} ${x}'],
    ['a\n{{#b}}\nx\n{{/b}}\nc\n', { b: true }, 'a\nx\nc\n'],
    ['a\n{{#b}}\nx\n{{/b}}\nc\n', { b: false }, 'a\nc\n'],
    ['a\n{{#b}}\nx\n{{/b}}\nc\n', { b: '' }, 'a\nc\n'],
    ['a\n{{^b}}\nx\n{{/b}}\nc\n', { b: [] }, 'a\nx\nc\n'],
    ['a\n{{^b}}\nx\n{{/b}}\nc\n', { b: 'y' }, 'a\nc\n'],
    ['a{{#b}} x{{/b}}\nc', { b: true }, 'a x\nc'],
    ['a{{#b}} x{{/b}}\nc', { b: false }, 'a\nc'],
    [
      '{{#b}}\n{{c}}{{d}}\n{{/b}}\n',
      { b: [{ c: 1 }, { c: 2 }], d: 'd' },
      '1d\n2d\n',
    ],
    [
      '{{#b}}\n{{#c}}\n{{d}}\n{{/c}}\n{{/b}}\n',
      { b: [{ c: [{ d: 1 }] }, { c: [] }, { c: [{ d: 2 }] }] },
      '1\n2\n',
    ],
    // what a value holds is never read as a mark
    ['{{#b}}{{c}}{{/b}}', { b: true, c: '{{d}}' }, '{{d}}'],
    ['{{b}}', { b: [] }, ''],
  ] as const)
    t.equal(fill(template, values), text, JSON.stringify(template))
})

void t.test('a name without a value is a bug', async t => {
  t.throws(() => fill('{{b}}', {}), { message: 'template: {{b}} has no value' })
})
