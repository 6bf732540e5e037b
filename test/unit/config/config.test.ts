import t from 'tap'
import {
  addressOf,
  namePattern,
  originOf,
  sentinelNames,
} from '../../../config/config.ts'
import { parseConfig } from '../../../config/parse.ts'

void t.test('address and origin always name the port, IPv6 in brackets', t => {
  for (const [url, address, origin] of [
    ['http://10.0.0.11:8080', '10.0.0.11:8080', 'http://10.0.0.11:8080'],
    ['http://zope1', 'zope1:80', 'http://zope1:80'],
    ['https://zope1', 'zope1:443', 'https://zope1:443'],
    ['http://[::1]:8080', '[::1]:8080', 'http://[::1]:8080'],
  ] as const)
    for (const backend of parseConfig(`backends: { a: "${url}" }`, 'f')
      .backends) {
      t.equal(addressOf(backend), address)
      t.equal(originOf(backend), origin)
    }
  t.end()
})

void t.test('a name starts with a small letter and has at most 32', t => {
  t.match('a', namePattern)
  t.match(`z${'-'.repeat(31)}`, namePattern)
  t.notMatch(`z${'-'.repeat(32)}`, namePattern)
  t.notMatch('a\n', namePattern)
  t.end()
})

const configOf = (text: string) =>
  parseConfig(`backends: { a: http://a, b: http://b }\n${text}`, 'f')

void t.test('whose sentinels mean something', t => {
  t.strictSame(sentinelNames(configOf('')), ['a', 'b'])
  t.strictSame(sentinelNames(configOf('front: {}')), ['a', 'b', 'front'])
  t.end()
})
