import { rmSync, writeFileSync } from 'node:fs'
import t from 'tap'
import type { Backend } from '../../../config/config.ts'
import { parseConfig } from '../../../config/parse.ts'
import { trustOf } from '../../../probes/trust.ts'
import { selfSigned } from '../../../lab/certificate.ts'

function backendWith(probe: string): Backend {
  const [backend] = parseConfig(
    `backends: { zope1: "https://localhost:1" }\nprobe: { ${probe} }`,
    'x',
  ).backends
  if (backend === undefined) throw new Error('no backend')
  return backend
}

void t.test('a CA file, whatever happens to it', async t => {
  const file = `${t.testdir()}/ca.pem`
  const backend = backendWith(`ca: ${file}`)
  const rule = `probe.ca must be a readable file of PEM certificates, got ${file}: `
  const rubbish =
    '-----BEGIN CERTIFICATE-----\nrubbish\n-----END CERTIFICATE-----\n'
  const { cert } = selfSigned('localhost')
  t.equal(trustOf(backend).problem, `${rule}ENOENT`)
  writeFileSync(file, '')
  t.equal(trustOf(backend).problem, `${rule}it contains no certificate`)
  writeFileSync(file, cert + rubbish)
  t.equal(trustOf(backend).problem, `${rule}certificate 2 in it cannot be read`)
  writeFileSync(file, `a comment\n${cert}`)
  const { agent, problem } = trustOf(backend)
  t.equal(problem, null)
  t.equal(trustOf(backend).agent, agent, 'read once')
  writeFileSync(file, rubbish)
  t.equal(trustOf(backend).agent, agent, 'what was good last goes on')
  writeFileSync(file, cert + selfSigned('other').cert)
  t.not(trustOf(backend).agent, agent, 'read again')
  rmSync(file)
  t.equal(trustOf(backend).problem, null)
})

void t.test('the store of the system, or none', t => {
  const { agent } = trustOf(backendWith(''))
  t.equal(trustOf(backendWith('')).agent, agent)
  t.not(trustOf(backendWith('verify: false')).agent, agent)
  t.equal(trustOf(backendWith('verify: false')).problem, null)
  t.end()
})
