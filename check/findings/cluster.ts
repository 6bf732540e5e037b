// Several machines that share their orders: etcd, its user, and the other machines. Pure.
import type { ClusterSettings } from '../../config/config.ts'
import type { SecretFile } from '../../system/secret-file.ts'
import {
  clusterSentence,
  lostOrders,
  machineNotes,
} from '../../status/cluster.ts'
import type { StatusReport } from '../../status/report.ts'
import { isLoopback } from '../../text/ip.ts'
import type { Finding } from '../finding.ts'

/** What etcd answered. */
export type EtcdFacts = {
  readonly password: SecretFile | undefined
  /** the common name of the client certificate */
  readonly certificateName: string | undefined
  /** when its validity ends, as OpenSSL writes it */
  readonly certificateEnds: string | undefined
  /** why the prefix is not writable; undefined = it is */
  readonly problem: string | undefined
  /** authentication is off: every program that reaches it may do everything */
  readonly hasNoUsers: boolean
  /** the user may read keys outside the prefix */
  readonly isRoleWide: boolean
  /** by address */
  readonly versions: ReadonlyMap<string, string>
}

export function clusterFindings(
  settings: ClusterSettings,
  { cluster }: Pick<StatusReport, 'cluster'>,
  facts: EtcdFacts,
  nowMs: number,
): Finding[] {
  const { etcd, user, prefix, passwordFile } = settings
  const { password, certificateName, certificateEnds, problem, versions } =
    facts
  const isLocal = etcd.every(url => {
    const host = new URL(url).hostname.replaceAll(/[[\]]/g, '')
    return host === 'localhost' || isLoopback(host)
  })
  return [
    ...(password?.kind === 'unusable' && !password.isClosed
      ? [
          {
            code: 'cluster-password-unusable',
            severity: 'error' as const,
            what: `cluster.passwordFile: ${password.why}`,
            why: 'the password controls every machine; without it this one runs alone',
            remedy: password.remedy,
            where: passwordFile,
          },
        ]
      : []),
    ...(problem === undefined
      ? []
      : [
          {
            code: 'cluster-etcd-unusable',
            severity: 'warning' as const,
            what: problem,
            why: 'orders from other machines do not arrive here, and orders given here fail',
            remedy:
              'check with: etcdctl endpoint status --cluster; docs/cluster.md describes the user and the role',
            where: null,
          },
        ]),
    ...(facts.hasNoUsers && !isLocal
      ? [
          {
            code: 'cluster-etcd-open',
            severity: 'warning' as const,
            what: 'etcd has no users: every program that reaches it may change every order',
            why: 'one compromised machine in the network could take all backends out of service',
            remedy:
              'create root, a role for the prefix and a user, then etcdctl auth enable (docs/cluster.md)',
            where: null,
          },
        ]
      : []),
    ...(facts.isRoleWide && !facts.hasNoUsers
      ? [
          {
            code: 'cluster-role-wide',
            severity: 'warning' as const,
            what: `user ${user} of etcd may read keys outside ${prefix}/`,
            why: 'this machine’s password gives access to more than it needs',
            remedy: `etcdctl role grant-permission zope-failover readwrite ${prefix}/ --prefix, and give ${user} no other role`,
            where: null,
          },
        ]
      : []),
    ...(certificateName !== undefined && user !== null
      ? [
          {
            code: 'cluster-certificate-name',
            severity: 'error' as const,
            what: `the client certificate has the common name ${certificateName}`,
            why: "etcd's gateway rejects requests that have both a user and such a certificate",
            remedy: `create it without a CN: openssl req -new -key ${settings.key} -subj "/O=zope-failover"`,
            where: settings.cert,
          },
        ]
      : []),
    ...(certificateEnds !== undefined && Date.parse(certificateEnds) < nowMs
      ? [
          {
            code: 'cluster-certificate-expired',
            severity: 'error' as const,
            what: `the client certificate has expired: ${certificateEnds}`,
            why: 'etcd refuses it, and this machine is alone',
            remedy: `make a new one for ${settings.key} (docs/cluster.md); it counts at the next attempt`,
            where: settings.cert,
          },
        ]
      : []),
    ...[...versions].flatMap(([url, version]): Finding[] =>
      isOld(version)
        ? [
            {
              code: 'cluster-etcd-old',
              severity: 'info',
              what: `etcd ${version} at ${url}`,
              why: 'before 3.4.31 and 3.5.13 a watch can lose events after a compaction, and a leader that was frozen can end live leases; orders still arrive within 30 s',
              remedy: 'upgrade etcd: Debian 13 has 3.5.16',
              where: null,
            },
          ]
        : [],
    ),
    ...(etcd.length % 2 === 0
      ? [
          {
            code: 'cluster-etcd-even',
            severity: 'info' as const,
            what: `cluster.etcd names ${etcd.length} members`,
            why: 'an even number survives no more failures than one member fewer',
            remedy: 'run three or five members',
            where: null,
          },
        ]
      : []),
    ...(cluster === undefined ? [] : machineFindings(cluster)),
  ]
}

function machineFindings(
  cluster: NonNullable<StatusReport['cluster']>,
): Finding[] {
  const { state, members, name: own } = cluster
  return [
    ...(state === 'together'
      ? []
      : [
          {
            code: 'cluster-not-together',
            severity: 'warning' as const,
            what: clusterSentence(cluster),
            why: 'an order given elsewhere may not, or not fully, apply here',
            remedy:
              state === 'duplicate'
                ? 'give each machine its own cluster.name'
                : [...lostOrders(cluster), 'zope-failover cluster'].join('\n'),
            where: null,
          },
        ]),
    ...Object.keys(members).flatMap((name): Finding[] => {
      const notes = machineNotes(name, cluster, false)
      return notes.length === 0 || name === own
        ? []
        : [
            {
              code: 'cluster-machine-differs',
              severity: 'warning',
              what: `machine ${name}: ${notes.join('; ')}`,
              why: 'the machines may judge backends differently, or end orders at different times',
              remedy: `compare the configuration on ${name} with the one here; its clock: timedatectl`,
              where: null,
            },
          ]
    }),
  ]
}

/** Older than the fixes that matter here. */
function isOld(version: string): boolean {
  const [major = 0, minor = 0, patch = 0] = version.split('.').map(Number)
  if (major !== 3) return false
  return minor < 4 || (minor === 4 && patch < 31) || (minor === 5 && patch < 13)
}
