import t from 'tap'
import { html, nothing } from '../../../page/html.ts'

void t.test('text is escaped everywhere', t => {
  const hostile = `<img src=x onerror="a('&')">`
  t.equal(
    html`<b title="${hostile}">${hostile}</b>`.html,
    '<b title="&#60;img src=x onerror=&#34;a(&#39;&#38;&#39;)&#34;&#62;">&#60;img src=x onerror=&#34;a(&#39;&#38;&#39;)&#34;&#62;</b>',
  )
  t.equal(
    html`${'a\u202Eb\0\n'}`.html,
    String.raw`a\u202eb\u0000\u000a`,
    'and what turns or hides it is seen',
  )
  t.end()
})

void t.test('numbers, parts and lists of parts', t => {
  t.equal(
    html`${5}${html`<i>${'<'}</i>`}${['a', 'b'].map(text => html`<i>${text}</i>`)}${nothing}`
      .html,
    '5<i>&#60;</i><i>a</i><i>b</i>',
  )
  t.end()
})

function made() {
  return html`<p class="long" id="${'longer'}" title="the longest">
    ${{ html: 'b\n  c' }}
  </p>`
}

void t.test(
  'line breaks of the template are not sent, those of values are',
  t => {
    t.equal(
      made().html,
      '<p class="long" id="longer" title="the longest"> b\n  c </p>',
    )
    t.equal(made().html, made().html)
    t.end()
  },
)
