// Asks etcd what the monitor needs of it. Changes nothing: its one write has a condition
// that is never true, but etcd still checks the role.
import { X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { passwordIn } from '../cluster/credentials.ts'
import { Engine } from '../cluster/engine.ts'
import { EngineError } from '../cluster/engine-error.ts'
import { Keys } from '../cluster/keys.ts'
import type { ClusterSettings } from '../config/config.ts'
import type { EtcdFacts } from './findings/cluster.ts'

export async function askEtcd(settings: ClusterSettings): Promise<EtcdFacts> {
  const { passwordFile, cert } = settings
  const password = passwordFile === null ? undefined : passwordIn(passwordFile)
  const certificate = cert === null ? undefined : certificateIn(cert)
  const facts = {
    password,
    certificateName: /^CN=(.*)$/m.exec(certificate?.subject ?? '')?.[1],
    certificateEnds: certificate?.validTo,
  }
  let engine: Engine | undefined
  try {
    engine = new Engine(settings)
    const key = new Keys(settings.prefix).ask('check')
    await engine.transaction([{ key, is: -1 }], [{ put: key, value: '' }])
    return {
      ...facts,
      problem: undefined,
      hasNoUsers: engine.hasNoUsers || settings.user === null,
      isRoleWide: await canRead(engine, '/zope-failover-check'),
      versions: await engine.versions(),
    }
  } catch (err) {
    if (!(err instanceof EngineError)) throw err
    return {
      ...facts,
      problem: err.message,
      hasNoUsers: false,
      isRoleWide: false,
      versions: new Map(),
    }
  } finally {
    engine?.close()
  }
}

async function canRead(engine: Engine, key: string): Promise<boolean> {
  try {
    await engine.read(key, false)
    return true
  } catch (err) {
    if (err instanceof EngineError) return false
    throw err
  }
}

/** Undefined: it cannot be read, which the engine reports. */
function certificateIn(file: string): X509Certificate | undefined {
  try {
    return new X509Certificate(readFileSync(file))
  } catch {
    return undefined
  }
}
