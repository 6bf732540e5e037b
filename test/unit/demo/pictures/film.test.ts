import t from 'tap'
import { filmSvg } from '../../../../demo/pictures/film.ts'

const green = '\u001B[32mwell\u001B[0m'

void t.test('a line that stays is written once', t => {
  const svg = filmSvg([
    { caption: 'one', screens: [`same\r\n${green}\n1 < 2 & 3`, 'same\nother'] },
    { caption: 'two', screens: ['same\nlast\n'] },
  ])
  t.equal(svg.split('>same<').length, 2)
  t.match(svg, '<tspan class="g">well</tspan></text>')
  t.match(svg, '1 &#60; 2 &#38; 3')
  t.match(svg, '<tspan class="c">one</tspan>')
  // three screens of 400, 3000 and 3000 ms
  t.match(svg, 'animation:6400ms')
  t.match(svg, '@keyframes f0-1{0%{opacity:1}0.00%{opacity:1}6.25%{opacity:0}}')
  t.match(
    svg,
    '@keyframes f2-3{0%{opacity:0}53.13%{opacity:1}100.00%{opacity:1}}',
  )
  t.match(svg, /class="f2-3 s"[^>]*>last</, 'shown without animation')
  t.match(svg, /class="f1-2"[^>]*>other</)
  t.end()
})

void t.test('long lines and long scenes are cut', t => {
  const screens = Array.from({ length: 9 }, (_, index) => `screen ${index}`)
  const svg = filmSvg([
    { caption: '', screens },
    { caption: '', screens: [`${'x'.repeat(117)}\u001B[31mred\u001B[0mmore`] },
  ])
  t.notMatch(svg, 'screen 2')
  t.match(svg, 'screen 3')
  t.match(svg, `${'x'.repeat(117)}<tspan class="r">…</tspan></text>`)
  t.match(filmSvg([{ caption: '', screens: ['\u001B[2Kodd'] }]), 'odd')
  t.end()
})
