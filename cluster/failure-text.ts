// Why etcd cannot be used, for an administrator: what to change. Pure.
import type { ClusterSettings } from '../config/config.ts'
import { isUntrusted } from '../probes/failure.ts'
import { sentence } from '../text/printable.ts'
import type { Failure } from './answers.ts'

/** One failure, without a remedy. */
export function whyOf(failure: Failure): string {
  switch (failure.kind) {
    case 'away':
    case 'refused':
      return failure.why
    case 'token':
      return 'the token is not accepted'
    case 'no-users':
      return 'etcd has no users'
  }
}

/** etcd refuses: every member would. */
export function refusalText(
  failure: Failure,
  { user, prefix }: ClusterSettings,
): string {
  const why = whyOf(failure)
  if (/permission denied/.test(why))
    return `etcd refuses user ${user} (${why}): give its role readwrite on the prefix ${prefix}/ (docs/cluster.md)`
  if (/authentication failed/.test(why))
    return `etcd refuses user ${user} (${why}): check cluster.user and the password in cluster.passwordFile`
  if (failure.kind === 'token' || /user name is empty/.test(why))
    return user === null
      ? 'etcd wants a user: set cluster.user and cluster.passwordFile'
      : `etcd refuses user ${user}: ${why}`
  return `etcd refuses: ${sentence(why)}`
}

/**
 * No member can do it now.
 *
 * @param reasons of each member, by its address
 */
export function awayText(
  reasons: ReadonlyMap<string, string>,
  settings: ClusterSettings,
): string {
  const problems = [...reasons].map(([url, why]) => `${url}: ${why}`)
  const remedies = new Set(
    [...reasons.values()].flatMap(why => remedyOf(why, settings) ?? []),
  )
  return [
    `etcd cannot be used: ${sentence(problems.join(', '))}`,
    ...remedies,
  ].join('; ')
}

/** @param why an error's code, or what etcd answered */
function remedyOf(
  why: string,
  { ca, cert, key }: ClusterSettings,
): string | undefined {
  if (isUntrusted(why))
    return ca === null
      ? 'set cluster.ca to the certificate authority of etcd'
      : `${ca} must hold the certificate authority of etcd (cluster.ca)`
  if (why === 'CERT_HAS_EXPIRED')
    return 'the certificate of etcd has expired: renew it there'
  if (why === 'ERR_TLS_CERT_ALTNAME_INVALID')
    return 'the certificate of etcd has other names: use one of them in cluster.etcd'
  if (why === 'ERR_OSSL_X509_KEY_VALUES_MISMATCH')
    return `${key} must be the key of ${cert} (cluster.key, cluster.cert)`
  if (/^ERR_SSL_.*ALERT/.test(why))
    return cert === null
      ? 'etcd wants a client certificate: set cluster.cert and cluster.key'
      : `etcd does not accept ${cert} (cluster.cert): it must be signed by etcd's --trusted-ca-file and not have expired: openssl x509 -noout -dates -issuer -in ${cert}`
  return /CommonName/.test(why)
    ? `make ${cert} (cluster.cert) again without a common name (docs/cluster.md)`
    : undefined
}
