// The certificate authorities for TLS backends: the same that httpd uses
// (SSLProxyCACertificateFile); otherwise a backend that httpd can reach would be
// judged down. A changed file is read again.
import { X509Certificate } from 'node:crypto'
import { readFileSync, statSync } from 'node:fs'
import { Agent } from 'node:https'
import { createSecureContext } from 'node:tls'
import { systemCaFile, type Backend } from '../config/config.ts'
import { errorCode } from '../system/error-code.ts'

type Trust = {
  /** for requests; keeps no connections */
  readonly agent: Agent
  /** why the file could not be used; null = it could */
  readonly problem: string | null
}

type LoadedCa = {
  /** differs when the file has changed */
  readonly version: string
  readonly trust: Trust
}

const loaded = new Map<string, LoadedCa>()

/** Node's built-in list, or no check at all. */
const own: Trust = { agent: agentWith({}), problem: null }

/**
 * How a backend's certificate is checked.
 *
 * @returns with a `problem` if there is nothing to check it with. The last good content
 *   of a file stays in use.
 */
export function trustOf({ probe }: Pick<Backend, 'probe'>): Trust {
  if (!probe.verify) return own
  const file = probe.ca ?? systemCaFile
  const former = loaded.get(file)
  try {
    const version = versionOf(file)
    if (former?.version === version) return former.trust
    const trust = load(file)
    loaded.set(file, { version, trust })
    return trust
  } catch (err) {
    // a system without a certificate store
    if (probe.ca === null) return own
    if (former !== undefined) return former.trust
    const found = err instanceof BadFile ? err.message : errorCode(err)
    return {
      ...own,
      problem: `probe.ca must be a readable file of PEM certificates, got ${file}: ${found}`,
    }
  }
}

class BadFile extends Error {}

/** Detects a replaced file, even within the same second. */
function versionOf(file: string): string {
  const { dev, ino, size, mtimeMs, ctimeMs } = statSync(file)
  return `${dev} ${ino} ${size} ${mtimeMs} ${ctimeMs}`
}

/** @throws if the file or one of its certificates cannot be read */
function load(file: string): Trust {
  const blocks =
    readFileSync(file, 'latin1').match(
      /-----BEGIN (?:TRUSTED )?CERTIFICATE-----[^]*?-----END (?:TRUSTED )?CERTIFICATE-----/g,
    ) ?? []
  if (blocks.length === 0) throw new BadFile('it contains no certificate')
  for (const [index, block] of blocks.entries()) {
    try {
      void new X509Certificate(block)
    } catch {
      throw new BadFile(`certificate ${index + 1} in it cannot be read`)
    }
  }
  return {
    agent: agentWith({ secureContext: createSecureContext({ ca: blocks }) }),
    problem: null,
  }
}

function agentWith(options: object): Agent {
  return new Agent({
    keepAlive: false,
    maxSockets: Infinity,
    // a resumed session would hide a broken certificate
    maxCachedSessions: 0,
    ...options,
  })
}
