import t from 'tap'
import { html } from '../../../page/html.ts'
import {
  Fragments,
  fill,
  patchBetween,
  type PageTemplate,
} from '../../../page/page-template.ts'

function template(entries: Record<string, string>): PageTemplate {
  const cells = new Fragments()
  return cells.template(
    html`${Object.entries(entries).map(
      ([id, text]) => html`<p id="${id}">${cells.cell(id, html`${text}`)}</p>`,
    )}`,
  )
}

void t.test('a template is its skeleton with its cells', t => {
  t.equal(
    fill(template({ a: '1', b: '<2>' })),
    '<p id="a">1</p><p id="b">&#60;2&#62;</p>',
  )
  t.equal(fill({ skeleton: 'x\0a\0y', cells: new Map() }), 'xy')
  t.end()
})

void t.test('only what differs is sent', t => {
  const before = template({ a: '1', b: '2' })
  t.strictSame(patchBetween(before, template({ a: '1', b: '2' }), 'all'), {})
  t.strictSame(patchBetween(before, template({ a: '1', b: '3' }), 'all'), {
    b: '3',
  })
  t.strictSame(
    patchBetween(before, template({ a: '1' }), 'all'),
    { all: '<p id="a">1</p>' },
    'or everything, when the skeleton is another one',
  )
  t.end()
})

void t.test('a text cannot be mistaken for a cell', t => {
  const cells = new Fragments()
  cells.cell('a', html`secret`)
  t.notMatch(fill(cells.template(html`${'\0a\0'}`)), /secret/)
  t.end()
})
