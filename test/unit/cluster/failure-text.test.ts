import t from 'tap'
import type { Failure } from '../../../cluster/answers.ts'
import { awayText, refusalText, whyOf } from '../../../cluster/failure-text.ts'
import type { ClusterSettings } from '../../../config/config.ts'
import { parseConfig } from '../../../config/parse.ts'

function settings(changes: Partial<ClusterSettings> = {}): ClusterSettings {
  const { cluster } = parseConfig(
    'backends: { zope1: http://h:1 }\ncluster: { etcd: ["http://127.0.0.1:1"], name: fe1 }\n',
    'test',
  )
  if (cluster === undefined) throw new Error('a cluster')
  return { ...cluster, ...changes }
}

function refused(why: string): Failure {
  return { kind: 'refused', why }
}

void t.test('a refusal says what to change', t => {
  const user = 'zope-failover'
  const text = (failure: Failure, changes = {}): string =>
    refusalText(failure, settings({ user, ...changes }))
  t.match(
    text(refused('permission denied')),
    /^etcd refuses user zope-failover \(permission denied\): give its role readwrite on the prefix \/zope-failover\/default\//,
  )
  t.match(text(refused('authentication failed, …')), /cluster\.passwordFile$/)
  for (const failure of [
    refused('user name is empty'),
    { kind: 'token' } as const,
  ])
    t.match(text(failure, { user: null }), /^etcd wants a user: set/)
  t.equal(
    text({ kind: 'token' }),
    'etcd refuses user zope-failover: the token is not accepted',
  )
  t.equal(text(refused('no\nsuch')), 'etcd refuses: no\\u000asuch')
  t.equal(whyOf({ kind: 'no-users' }), 'etcd has no users')
  t.equal(whyOf({ kind: 'away', why: 'ETIMEDOUT' }), 'ETIMEDOUT')
  t.end()
})

function away(why: string, changes: Partial<ClusterSettings> = {}): string {
  const whys = new Map([
    ['https://a:1', why],
    ['https://b:1', why],
  ])
  return awayText(whys, settings(changes))
}

void t.test('each member is named, and each remedy once', t => {
  t.equal(
    away('ECONNREFUSED'),
    'etcd cannot be used: https://a:1: ECONNREFUSED, https://b:1: ECONNREFUSED',
  )
  const files = { ca: '/c/ca.pem', cert: '/c/client.pem', key: '/c/key.pem' }
  for (const [why, remedy, changes] of [
    ['DEPTH_ZERO_SELF_SIGNED_CERT', 'set cluster.ca to', {}],
    ['DEPTH_ZERO_SELF_SIGNED_CERT', '/c/ca.pem must hold', files],
    ['CERT_HAS_EXPIRED', 'the certificate of etcd has expired', {}],
    ['ERR_TLS_CERT_ALTNAME_INVALID', 'the certificate of etcd has other', {}],
    ['ERR_OSSL_X509_KEY_VALUES_MISMATCH', '/c/key.pem must be the', files],
    ['ERR_SSL_SSLV3_ALERT_BAD_CERTIFICATE', 'etcd wants a client', {}],
    ['ERR_SSL_SSLV3_ALERT_BAD_CERTIFICATE', 'etcd does not accept', files],
    ['CommonName of client sending', 'make /c/client.pem', files],
  ] as const) {
    const said = away(why, changes)
    t.match(said, `https://b:1: ${why}; ${remedy}`)
    t.equal(said.split(remedy).length, 2, 'once')
  }
  t.end()
})
