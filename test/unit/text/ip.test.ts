import { isIP as nodeIsIP } from 'node:net'
import t from 'tap'
import * as fc from 'fast-check'
import { isIP, isInNetwork, isLoopback, parseIP } from '../../../text/ip.ts'

void t.test('addresses', t => {
  for (const text of [
    '127.0.0.1',
    '10.0.0.011',
    '1.2.3',
    '1.2.3.256',
    '1.2.3.4.5',
    '',
    'a',
    '::',
    '::1',
    '1::',
    '1:2:3:4:5:6:7:8',
    '1:2:3:4:5:6:7',
    '1:2:3:4:5:6:7:8:9',
    '::1::',
    'fe80::12345',
    '::ffff:10.0.0.1',
    '::ffff:10.0.0.256',
    '::g',
    '1:2:3:4:5:6:7::',
    '1::3:4:5:6:7:8',
    '1:2:3:4::5:6:7:8',
    '1:2:3:4:5:6:1.2.3.4',
    ':1',
    '1:',
  ])
    t.equal(isIP(text), nodeIsIP(text), text)
  t.strictSame(parseIP('1.2.3.4'), [1, 2, 3, 4])
  t.end()
})

void t.test('property: as Node sees them', t => {
  fc.assert(
    fc.property(fc.oneof(fc.ipV4(), fc.ipV6()), text => {
      return isIP(text) === nodeIsIP(text)
    }),
  )
  t.end()
})

void t.test('networks', t => {
  for (const [address, network, expected] of [
    ['10.0.0.1', '10.0.0.1', true],
    ['10.0.0.2', '10.0.0.1', false],
    ['10.0.0.255', '10.0.0.0/24', true],
    ['10.0.1.0', '10.0.0.0/24', false],
    ['10.0.0.129', '10.0.0.128/25', true],
    ['10.0.0.127', '10.0.0.128/25', false],
    ['1.2.3.4', '0.0.0.0/0', true],
    ['::ffff:10.0.0.1', '10.0.0.0/8', true],
    ['::fffe:10.0.0.1', '10.0.0.0/8', false],
    ['fd00::1', 'fd00::/8', true],
    ['fe00::1', 'fd00::/8', false],
    ['fd00::1', '10.0.0.0/8', false],
    ['nonsense', '10.0.0.0/8', false],
    ['10.0.0.1', 'nonsense', false],
  ] as const)
    t.equal(isInNetwork(address, network), expected, `${address} in ${network}`)
  t.ok(isLoopback('127.9.9.9'))
  t.ok(isLoopback('::1'))
  t.notOk(isLoopback('10.0.0.1'))
  t.end()
})
