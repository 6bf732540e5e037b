import t from 'tap'
import {
  clusterFindings,
  type EtcdFacts,
} from '../../../../check/findings/cluster.ts'
import { parseConfig } from '../../../../config/parse.ts'
import type { ClusterSettings } from '../../../../config/config.ts'
import type { ClusterReport } from '../../../../sentinels/reports.ts'
import {
  aCluster,
  aMachine,
  lostOrder,
} from '../../../fixtures/cluster-report.ts'

function settingsOf(text: string): ClusterSettings {
  const { cluster } = parseConfig(
    `backends: { zope1: http://h:1 }\ncluster: { ${text} }\n`,
    'f',
  )
  if (cluster === undefined) throw new Error('a cluster')
  return cluster
}

const settings = settingsOf(
  'etcd: [https://10.0.0.1:2379], user: u, passwordFile: /p, cert: /c, key: /k',
)
const well: EtcdFacts = {
  password: { kind: 'secret', secret: 'hunter2' },
  certificateName: undefined,
  certificateEnds: 'Nov 29 00:00:00 2026 GMT',
  problem: undefined,
  hasNoUsers: false,
  isRoleWide: false,
  versions: new Map([['https://10.0.0.1:2379', '3.5.16']]),
}

function codesOf(
  facts: Partial<EtcdFacts>,
  {
    cluster,
    given = settings,
  }: { cluster?: ClusterReport; given?: ClusterSettings } = {},
): string[] {
  const findings = clusterFindings(
    given,
    cluster === undefined ? {} : { cluster },
    { ...well, ...facts },
    Date.UTC(2026, 10, 28),
  )
  t.notMatch(JSON.stringify(findings), 'hunter2')
  return findings.map(({ code }) => code)
}

void t.test('all is well', t => {
  t.strictSame(codesOf({}, { cluster: aCluster() }), [])
  t.strictSame(codesOf({ password: undefined }), [])
  t.end()
})

void t.test('etcd and its user', t => {
  const unusable = {
    kind: 'unusable' as const,
    why: '/p must be',
    remedy: 'chmod',
    isClosed: false,
  }
  t.strictSame(codesOf({ password: unusable }), ['cluster-password-unusable'])
  t.strictSame(codesOf({ password: { ...unusable, isClosed: true } }), [])
  t.strictSame(codesOf({ problem: 'etcd cannot be used' }), [
    'cluster-etcd-unusable',
  ])
  t.strictSame(codesOf({ hasNoUsers: true, isRoleWide: true }), [
    'cluster-etcd-open',
  ])
  t.strictSame(codesOf({ isRoleWide: true }), ['cluster-role-wide'])
  t.strictSame(codesOf({ certificateName: 'fe1' }), [
    'cluster-certificate-name',
  ])
  t.strictSame(codesOf({ certificateEnds: 'Nov 27 23:59:59 2026 GMT' }), [
    'cluster-certificate-expired',
  ])
  t.strictSame(codesOf({ certificateEnds: undefined }), [])
  const local = settingsOf(
    'etcd: ["http://127.0.0.1:1", "http://[::1]:1", "http://localhost:1"]',
  )
  t.strictSame(
    codesOf({ hasNoUsers: true, certificateName: 'fe1' }, { given: local }),
    [],
  )
  t.strictSame(
    codesOf({}, { given: settingsOf('etcd: [https://a, https://b]') }),
    ['cluster-etcd-even'],
  )
  for (const [version, isOld] of [
    ['3.3.1', true],
    ['3.4.23', true],
    ['3.4.31', false],
    ['3.5.12', true],
    ['3.5.13', false],
    ['3.6.0', false],
    ['4.0.0', false],
    ['', false],
  ] as const)
    t.strictSame(
      codesOf({ versions: new Map([['u', version]]) }),
      isOld ? ['cluster-etcd-old'] : [],
      version,
    )
  t.end()
})

void t.test('the other machines', t => {
  t.strictSame(codesOf({}, { cluster: aCluster({ state: 'duplicate' }) }), [
    'cluster-not-together',
  ])
  t.strictSame(
    codesOf(
      {},
      {
        cluster: aCluster({
          state: 'older-data',
          orders: { 'zope1.maint': lostOrder },
          members: {
            fe1: aMachine({ clockMs: 9_999 }),
            fe2: aMachine({ settingsDiffer: true, differing: ['zope1'] }),
            fe3: aMachine(),
          },
        }),
      },
    ),
    ['cluster-not-together', 'cluster-machine-differs'],
  )
  t.end()
})
