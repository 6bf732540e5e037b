// The machine's name, and the files that identify it to etcd. A changed file counts at
// the next connection.
import { readFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { namePattern, type ClusterSettings } from '../config/config.ts'
import { ConfigError } from '../config/problem.ts'
import { describeValue } from '../text/describe.ts'
import { errorCode } from '../system/error-code.ts'
import { readRegularFile } from '../system/regular-file.ts'
import { secretIn, type SecretFile } from '../system/secret-file.ts'
import { EngineError } from './engine-error.ts'

/**
 * The name of this machine among the others.
 *
 * @throws {ConfigError} when neither the configuration nor the host has a usable one
 */
export function machineName({ name }: Pick<ClusterSettings, 'name'>): string {
  const own = name ?? hostname().replace(/\..*/s, '').toLowerCase()
  if (namePattern.test(own)) return own
  throw new ConfigError([
    `cluster.name must be set: the host name ${describeValue(own)} is not a lowercase letter, then up to 31 lowercase letters, digits or "-"`,
  ])
}

export type TlsFiles = {
  readonly certificateAuthority?: Buffer
  readonly certificate?: Buffer
  readonly key?: Buffer
}

/** @throws {EngineError} naming the file that cannot be read */
export function tlsFiles({ ca, cert, key }: ClusterSettings): TlsFiles {
  return {
    ...(ca !== null && { certificateAuthority: fileOf('ca', ca) }),
    ...(cert !== null && { certificate: fileOf('cert', cert) }),
    ...(key !== null && { key: fileOf('key', key) }),
  }
}

function fileOf(what: string, file: string): Buffer {
  try {
    return readFileSync(file)
  } catch (err) {
    throw new EngineError(
      'refused',
      `cluster.${what} must be a readable file, got ${file}: ${errorCode(err)}`,
    )
  }
}

const maxPassword = 500

/** The password in its file; the rules of status.tokenFile. */
export function passwordIn(file: string): SecretFile {
  return secretIn(
    file,
    readRegularFile(file, maxPassword + 2),
    {
      pattern: /^\P{Cc}{1,500}\r?\n?$/u,
      rule: `one password: a line of at most ${maxPassword} characters`,
    },
    name => `cat > ${name} (type the password of cluster.user, then Ctrl-D)`,
  )
}

/** @throws {EngineError} with a remedy */
export function passwordOf(file: string): string {
  const found = passwordIn(file)
  if (found.kind === 'secret') return found.secret
  throw new EngineError(
    'refused',
    `cluster.passwordFile: ${found.why}; type: ${found.remedy}`,
  )
}
