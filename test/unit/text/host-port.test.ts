import t from 'tap'
import { bracketed, hostPort } from '../../../text/host-port.ts'

void t.test('an IPv6 address stands in brackets', t => {
  t.equal(bracketed('::1'), '[::1]')
  t.equal(bracketed('www.example.org'), 'www.example.org')
  t.equal(hostPort('fe80::1', 80), '[fe80::1]:80')
  t.equal(hostPort('10.0.0.1', 8080), '10.0.0.1:8080')
  t.end()
})
