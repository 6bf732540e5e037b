import t from 'tap'
import { timeElement } from '../../../page/time-element.ts'

void t.test('a time, for readers and for the script', t => {
  t.equal(
    timeElement('2026-11-22T18:00:00.123+01:00').html,
    '<time datetime="2026-11-22T17:00:00.123Z" data-form="at">2026-11-22 17:00:00 UTC</time>',
  )
  for (const form of ['since', 'until'] as const)
    t.match(
      timeElement('2026-11-22T17:00:00Z', form).html,
      `data-form="${form}">${form} 2026-11-22 17:00:00 UTC<`,
    )
  for (const none of [null, '', '"><script>'])
    t.equal(timeElement(none).html, '<span class="dim">-</span>', String(none))
  t.end()
})
