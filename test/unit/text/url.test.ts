import t from 'tap'
import { parseOrigin } from '../../../text/origin.ts'
import { parseUrl } from '../../../text/url.ts'

void t.test('a URL, or undefined', t => {
  t.equal(parseUrl('http://a:80/b')?.href, 'http://a/b')
  for (const text of ['', 'a', 'http://', 'http://a b', 'http://a:99999'])
    t.equal(parseUrl(text), undefined, text)
  t.end()
})

void t.test('the ten-thousandth call answers like the first', t => {
  const text = 'https://bücher.example'
  const hosts = new Set<unknown>()
  for (let calls = 0; calls < 10_000; calls++) {
    const origin = parseOrigin(text)
    hosts.add(parseUrl(text)?.host)
    hosts.add(typeof origin === 'string' ? origin : origin.host)
  }
  t.strictSame([...hosts], ['xn--bcher-kva.example'])
  t.end()
})
