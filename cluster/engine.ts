// A client of etcd's JSON gateway: get, put, transaction, lease, watch. Each request has
// a limit of 1 s and is tried once at each member; a member that failed comes last for
// a while. Tokens are fetched when needed and when they have expired.
import { Agent as HttpAgent } from 'node:http'
import { Agent as HttpsAgent } from 'node:https'
import { setTimeout as sleep } from 'node:timers/promises'
import { got, HTTPError } from 'got'
import type { ClusterSettings } from '../config/config.ts'
import {
  failureOf,
  headerOf,
  valuesOf,
  valuesOfTransaction,
  type Failure,
  type WatchLine,
} from './answers.ts'
import { passwordOf, tlsFiles } from './credentials.ts'
import { Endpoints } from './endpoints.ts'
import { EngineError } from './engine-error.ts'
import { awayText, refusalText, whyOf } from './failure-text.ts'
import { maxKeys } from './keys.ts'
import {
  rangeRequest,
  transactionRequest,
  watchRequest,
  type Compare,
  type Operation,
} from './requests.ts'
import type { Header, KeyValue, Read } from './view.ts'
import { codeOf, openWatch, type Watch } from './watch-stream.ts'

/**
 * A write that goes to a dead leader is lost without an answer. A member believes in
 * that leader for 1 to 2 s: a write at the second member must end when there is a new one.
 */
const requestMs = 1_000
/** etcd makes a password expensive to check. */
const loginMs = 1_500
/** Between two rounds of all members: without a leader they refuse at once. */
const roundPauseMs = 100
/** An answer that is longer is not about our keys. */
const maxBytes = 64 * 1024 * 1024

export type Transaction = {
  readonly isDone: boolean
  readonly header: Header
  /** what its last branch has read */
  readonly values: readonly KeyValue[]
}

type Refusal = { readonly kind: 'failure'; readonly failure: Failure }
type Reply = { readonly kind: 'answer'; readonly body: unknown } | Refusal

export class Engine {
  readonly #settings: ClusterSettings
  readonly #endpoints: Endpoints
  readonly #agent: { http: HttpAgent; https: HttpsAgent }
  readonly #retryForMs: number
  #token: string | undefined
  #hasNoUsers = false

  /**
   * @param retryForMs how long to go on asking all members; each is asked at least once
   * @throws {EngineError} when a file of the settings cannot be read
   */
  constructor(settings: ClusterSettings, retryForMs = 0) {
    this.#settings = settings
    this.#retryForMs = retryForMs
    // not the process id: in containers it is the same everywhere
    this.#endpoints = new Endpoints(
      settings.etcd,
      Math.floor(Math.random() * settings.etcd.length),
    )
    const { certificateAuthority, certificate, key } = tlsFiles(settings)
    this.#agent = {
      http: new HttpAgent({ keepAlive: true }),
      https: new HttpsAgent({
        keepAlive: true,
        ...(certificateAuthority !== undefined && { ca: certificateAuthority }),
        ...(certificate !== undefined && { cert: certificate }),
        ...(key !== undefined && { key }),
      }),
    }
  }

  /** Whether a user is configured, although etcd has none. */
  get hasNoUsers(): boolean {
    return this.#hasNoUsers
  }

  close(): void {
    this.#agent.http.destroy()
    this.#agent.https.destroy()
  }

  /** Another member is asked first from now on. */
  avoid(url: string): void {
    this.#endpoints.recordFailure(url, performance.now())
  }

  /**
   * All keys that begin with `prefix`, or one key; linearizable.
   *
   * @throws {EngineError}
   */
  async read(key: string, isPrefix = true): Promise<Read> {
    const answer = await this.#call('/v3/kv/range', rangeRequest(key, isPrefix))
    const values = valuesOf(answer)
    return {
      header: headerOf(answer),
      values,
      isCut: values.length > maxKeys,
    }
  }

  /** @throws {EngineError} */
  async transaction(
    compare: readonly Compare[],
    success: readonly Operation[],
    failure: readonly Operation[] = [],
  ): Promise<Transaction> {
    const answer = await this.#call(
      '/v3/kv/txn',
      transactionRequest(compare, success, failure),
    )
    return {
      isDone: isTrue(answer, 'succeeded'),
      header: headerOf(answer),
      values: valuesOfTransaction(answer),
    }
  }

  /**
   * The ID of a new lease.
   *
   * @param seconds until it expires, unless it is renewed
   * @throws {EngineError}
   */
  async grant(seconds: number): Promise<string> {
    const answer = await this.#call('/v3/lease/grant', { TTL: String(seconds) })
    return textAt(answer, 'ID') ?? ''
  }

  /**
   * False when it no longer exists.
   *
   * @throws {EngineError}
   */
  async keepAlive(lease: string): Promise<boolean> {
    const answer = await this.#call('/v3/lease/keepalive', { ID: lease })
    const result: unknown =
      typeof answer === 'object' && answer !== null
        ? Reflect.get(answer, 'result')
        : undefined
    return Number(textAt(result, 'TTL') ?? 0) > 0
  }

  /** Removes a lease with its keys. @throws {EngineError} */
  async revoke(lease: string): Promise<void> {
    await this.#call('/v3/lease/revoke', { ID: lease })
  }

  /** The version of each member that answers. */
  async versions(): Promise<ReadonlyMap<string, string>> {
    const found = await Promise.all(
      this.#settings.etcd.map(async url => {
        try {
          const answer: unknown = await got(`${url}/version`, {
            agent: this.#agent,
            retry: { limit: 0 },
            timeout: { request: requestMs },
          }).json()
          return [[url, textAt(answer, 'etcdserver') ?? '?'] as const]
        } catch {
          // it is away, which other findings report
          return []
        }
      }),
    )
    return new Map(found.flat())
  }

  /**
   * A request whose answer the caller interprets.
   *
   * @throws {EngineError}
   */
  ask(path: string, body: object): Promise<unknown> {
    return this.#call(path, body)
  }

  /**
   * Watches all keys below a prefix. Lines are handed over as they come.
   *
   * @param revision the first revision to report
   * @throws {EngineError} when no token can be had
   */
  async watch(
    prefix: string,
    revision: number,
    onLine: (line: WatchLine) => void,
  ): Promise<Watch> {
    const [url = ''] = this.#endpoints.inOrder(performance.now())
    const headers = await this.#headers()
    const request = {
      headers,
      agent: this.#agent,
      body: JSON.stringify(watchRequest(prefix, revision)),
      timeout: { connect: requestMs, secureConnect: requestMs },
    }
    return openWatch(url, request, onLine, failure => {
      if (failure?.kind === 'token') this.#token = undefined
      this.avoid(url)
    })
  }

  /** A token that has expired is fetched again, once. */
  async #call(path: string, body: object): Promise<unknown> {
    let isNewToken = false
    return this.#firstAnswer(async url => {
      const reply = await this.#post(url, path, body, await this.#headers())
      if (reply.kind === 'answer' || isNewToken || !this.#needsLogin(reply))
        return reply
      isNewToken = true
      this.#token = undefined
      this.#hasNoUsers = false
      return this.#post(url, path, body, await this.#headers())
    })
  }

  /** The token has expired, or etcd has users since the last login. */
  #needsLogin({ failure }: Refusal): boolean {
    return (
      failure.kind === 'token' ||
      (this.#hasNoUsers &&
        failure.kind === 'refused' &&
        /user name is empty/.test(failure.why))
    )
  }

  /**
   * The answer of the first member that gives one.
   *
   * @throws {EngineError} when none does, or when one refuses
   */
  async #firstAnswer(ask: (url: string) => Promise<Reply>): Promise<unknown> {
    const end = performance.now() + this.#retryForMs
    const problems = new Map<string, string>()
    for (;;) {
      for (const url of this.#endpoints.inOrder(performance.now())) {
        const reply = await ask(url)
        if (reply.kind === 'answer') {
          this.#endpoints.recordAnswer(url)
          return reply.body
        }
        const { failure } = reply
        if (failure.kind === 'refused' || failure.kind === 'token')
          throw new EngineError('refused', refusalText(failure, this.#settings))
        this.#endpoints.recordFailure(url, performance.now())
        problems.set(url, whyOf(failure))
      }
      if (performance.now() >= end)
        throw new EngineError('unreachable', awayText(problems, this.#settings))
      await sleep(roundPauseMs)
    }
  }

  async #headers(): Promise<Record<string, string>> {
    const headers = {
      'content-type': 'application/json',
      // without it a watch stays silent when the quorum is lost
      'grpc-metadata-hasleader': 'true',
    }
    const { user, passwordFile } = this.#settings
    if (user === null || passwordFile === null || this.#hasNoUsers)
      return headers
    this.#token ??= await this.#logIn(user, passwordOf(passwordFile))
    return this.#token === undefined
      ? headers
      : { ...headers, authorization: this.#token }
  }

  /** Undefined: etcd has no users. */
  async #logIn(name: string, password: string): Promise<string | undefined> {
    const path = '/v3/auth/authenticate'
    const answer = await this.#firstAnswer(async url => {
      const reply = await this.#post(url, path, { name, password }, {}, loginMs)
      if (reply.kind === 'answer' || reply.failure.kind !== 'no-users')
        return reply
      this.#hasNoUsers = true
      return { kind: 'answer', body: undefined }
    })
    return textAt(answer, 'token')
  }

  /** Never rejects. */
  async #post(
    url: string,
    path: string,
    body: object,
    headers: Record<string, string>,
    limitMs = requestMs,
  ): Promise<Reply> {
    try {
      const request = got.post(`${url}${path}`, {
        body: JSON.stringify(body),
        headers,
        agent: this.#agent,
        retry: { limit: 0 },
        followRedirect: false,
        timeout: { request: limitMs },
      })
      void request.on('downloadProgress', ({ transferred }) => {
        if (transferred > maxBytes) request.cancel()
      })
      const text = await request.text()
      return { kind: 'answer', body: JSON.parse(text) }
    } catch (err) {
      if (err instanceof HTTPError)
        return {
          kind: 'failure',
          failure: failureOf(
            err.response.statusCode,
            jsonOf(String(err.response.body)),
          ),
        }
      return { kind: 'failure', failure: { kind: 'away', why: codeOf(err) } }
    }
  }
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    // the one sentence of etcd that is not JSON; else a page of a proxy in between
    return text.startsWith('CommonName ') ? { message: text.trim() } : undefined
  }
}

function isTrue(value: unknown, key: string): boolean {
  return (
    typeof value === 'object' &&
    value !== null &&
    Reflect.get(value, key) === true
  )
}

function textAt(value: unknown, key: string): string | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  const text: unknown = Reflect.get(value, key)
  return typeof text === 'string' ? text : undefined
}
