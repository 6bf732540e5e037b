// The ICP responder: one UDP socket for each backend of this host. The watching
// thread of the map program keeps the table; this thread only answers.
import { createSocket, type RemoteInfo, type Socket } from 'node:dgram'
import { isIPv6 } from 'node:net'
import { buildTable, type TablePool, type Table } from '../choice/table.ts'
import {
  sentinelNames,
  type Config,
  type IcpSettings,
} from '../config/config.ts'
import { errorCode } from '../system/error-code.ts'
import { inheritedSockets } from '../system/inherited-sockets.ts'
import { isInNetwork } from '../text/ip.ts'
import { ConfigError } from '../config/problem.ts'
import { total } from '../rewritemap/answer.ts'
import { newBoard, sharedFloat64Array } from '../rewritemap/thread/board.ts'
import type { GoodConfig } from '../rewritemap/thread/messages.ts'
import { reportProblems } from '../rewritemap/run.ts'
import { WatchingThread } from '../rewritemap/thread/watching-thread.ts'
import { readSentinels } from '../sentinels/read.ts'
import { icpKind, icpKinds, opcodeOf, type IcpKind } from './icp-answer.ts'
import { formatIcpAnswer, parseQuery } from './icp-message.ts'

/** How long a stopping responder sends Squid elsewhere. */
const farewellMs = 1_000
/** Queries wait here while this process is not scheduled; the kernel may allow less. */
const receiveBufferBytes = 1024 * 1024

/**
 * Answers ICP queries until a signal ends it. A socket that systemd passes is used
 * if its FileDescriptorName= is a backend of `icp.listen`. It outlives this process, so no farewell is needed: the next one answers, or another one already does.
 *
 * @param good the configuration, which must have the key `icp`
 * @returns the exit code: 0
 * @throws {ConfigError} when `icp` is missing, or an address cannot be bound
 */
export async function runIcp(
  configFile: string,
  good: GoodConfig,
): Promise<number> {
  const { config } = good
  const settings = settingsOf(config, configFile)
  const table = buildTable(
    config,
    readSentinels(config.directory, new Set(sentinelNames(config))),
    Date.now(),
  )
  const board = newBoard(table, icpKinds.length)
  const totals = sharedFloat64Array(total.length)
  const responder = new Responder(
    config,
    settings,
    table,
    board.answers,
    totals,
  )
  await responder.listen()
  const watching = new WatchingThread(responder, board, {
    configFile,
    seenText: good.text,
    good,
    totals,
    problems: [],
    started: new Date().toISOString(),
    program: 'icp',
    kinds: icpKinds,
  })
  responder.newestTable = () => {
    watching.begin()
    watching.end()
  }
  await new Promise<void>(resolve => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const)
      process.once(signal, () => {
        if (responder.leave()) setTimeout(resolve, farewellMs)
        else resolve()
      })
  })
  responder.close()
  watching.stop()
  return 0
}

function settingsOf(config: Config, configFile: string): IcpSettings {
  if (config.icp === undefined)
    throw new ConfigError([
      `${configFile}: icp must be given for a responder, such as icp: { listen: { zope1: 127.0.0.1:3131 } }`,
    ])
  return config.icp
}

class Responder {
  #config: Config
  #settings: IcpSettings
  #table: Table
  #pool: TablePool | undefined
  #answers: Float64Array
  readonly #totals: Float64Array
  /** by `BACKEND ADDRESS PORT` */
  #sockets = new Map<string, Socket>()
  /** descriptors by backend, those that are not used yet */
  readonly #inherited = new Map(inheritedSockets(process.env, process.pid))
  /** those of `#sockets` that systemd holds as well */
  readonly #kept = new Set<Socket>()
  #isLeaving = false
  /** receives the messages of the other thread */
  newestTable = () => {}

  constructor(
    config: Config,
    settings: IcpSettings,
    table: Table,
    answers: Float64Array,
    totals: Float64Array,
  ) {
    this.#config = config
    this.#settings = settings
    this.#table = table
    this.#pool = table.pools.get(settings.pool)
    this.#answers = answers
    this.#totals = totals
  }

  get table(): Table {
    return this.#table
  }

  take(table: Table, answers?: Float64Array, config?: Config): void {
    this.#table = table
    if (answers !== undefined) this.#keepCounts(answers, config ?? this.#config)
    if (config !== undefined) this.#reconfigure(config)
    this.#pool = table.pools.get(this.#settings.pool)
  }

  /** Counts stay with the name of a backend. */
  #keepCounts(answers: Float64Array, config: Config): void {
    const places = new Map(
      this.#config.backends.map(({ name }, place) => [name, place]),
    )
    for (const [place, { name }] of config.backends.entries()) {
      const before = places.get(name)
      if (before === undefined) continue
      for (let kind = 0; kind < icpKinds.length; kind++)
        answers[place * icpKinds.length + kind] =
          this.#answers[before * icpKinds.length + kind] ?? 0
    }
    this.#answers = answers
  }

  #reconfigure(config: Config): void {
    this.#config = config
    if (config.icp === undefined) {
      reportProblems([
        'icp was removed from the configuration, keeping the previous one',
      ])
      return
    }
    this.#settings = config.icp
    this.listen().catch((err: unknown) => {
      reportProblems(err instanceof ConfigError ? err.problems : [String(err)])
    })
  }

  noteFault(): void {
    this.#count(total.faults)
  }

  /**
   * Opens the sockets of the settings that are not open yet, and closes the others.
   *
   * @throws {ConfigError} with every address that cannot be bound; the others serve
   */
  async listen(): Promise<void> {
    const wanted = new Map(
      this.#settings.listen.map(it => [
        `${it.backend} ${it.host} ${it.port}`,
        it,
      ]),
    )
    for (const [key, socket] of this.#sockets)
      if (!wanted.has(key)) {
        socket.close()
        this.#sockets.delete(key)
      }
    const problems: string[] = []
    for (const [key, { backend, host, port }] of wanted) {
      if (this.#sockets.has(key)) continue
      const fd = this.#inherited.get(backend)
      this.#inherited.delete(backend)
      try {
        const socket = await this.#open(backend, host, port, fd)
        this.#sockets.set(key, socket)
        if (fd !== undefined) this.#kept.add(socket)
      } catch (err) {
        const rule =
          fd === undefined
            ? 'an unused address of this machine'
            : `the ListenDatagram= of the socket unit with FileDescriptorName=${backend}`
        problems.push(
          `icp.listen.${backend} must be ${rule}, got ${host} port ${port} (${errorCode(err)})`,
        )
      }
    }
    for (const name of this.#inherited.keys())
      problems.push(
        `FileDescriptorName= of a socket unit must be a backend of icp.listen (${this.#settings.listen.map(it => it.backend).join(', ')}), got ${JSON.stringify(name)}`,
      )
    if (problems.length > 0) throw new ConfigError(problems)
  }

  /** @param fd the descriptor of a bound socket */
  async #open(
    backend: string,
    host: string,
    port: number,
    fd: number | undefined,
  ): Promise<Socket> {
    const family = isIPv6(host) ? 6 : 4
    const socket = createSocket({
      type: family === 6 ? 'udp6' : 'udp4',
      ipv6Only: family === 6,
      recvBufferSize: receiveBufferBytes,
      // answers go back to addresses, never to names
      lookup: (address, _options, done) => {
        done(null, address, family)
      },
    })
    socket.on('message', (message, from) => {
      this.#answer(socket, backend, message, from)
    })
    await new Promise<void>((resolve, reject) => {
      socket.once('error', reject)
      const options = fd === undefined ? { port, address: host } : { fd }
      socket.bind(options, () => {
        socket.off('error', reject)
        // such as ECONNREFUSED: the client is gone
        socket.on('error', () => {
          this.noteFault()
        })
        resolve()
      })
    })
    const bound = socket.address()
    if (bound.port !== port || !isInNetwork(bound.address, host)) {
      socket.close()
      throw new Error(`the socket has ${bound.address} port ${bound.port}`)
    }
    return socket
  }

  #answer(
    socket: Socket,
    backend: string,
    message: Buffer,
    from: RemoteInfo,
  ): void {
    try {
      this.newestTable()
      this.#count(total.lookups)
      if (!this.#mayAsk(from.address)) {
        this.#count(total.unanswered)
        return
      }
      const query = parseQuery(message)
      if (query === null) {
        this.#count(total.malformed)
        return
      }
      const kind = this.#isLeaving
        ? 'missNoFetch'
        : icpKind(this.#pool, backend, query, this.#settings.spread)
      this.#countAnswer(backend, kind)
      if (kind === 'silence') return
      socket.send(
        formatIcpAnswer(opcodeOf[kind], query),
        from.port,
        from.address,
        // a full buffer or an unreachable client: it asks again
        () => {},
      )
    } catch {
      this.noteFault()
    }
  }

  #mayAsk(address: string): boolean {
    const { allow } = this.#settings
    return (
      allow.length === 0 || allow.some(network => isInNetwork(address, network))
    )
  }

  #count(place: number): void {
    this.#totals[place] = (this.#totals[place] ?? 0) + 1
  }

  #countAnswer(backend: string, kind: IcpKind): void {
    const place = this.#config.backends.findIndex(
      ({ name }) => name === backend,
    )
    if (place === -1) return
    const index = place * icpKinds.length + icpKinds.indexOf(kind)
    this.#answers[index] = (this.#answers[index] ?? 0) + 1
  }

  /**
   * From now on every query is sent elsewhere. Queries on a socket of systemd stay there for
   * the next process, or for another one that shares it.
   *
   * @returns whether there is a socket that ends with this process
   */
  leave(): boolean {
    this.#isLeaving = true
    for (const [key, socket] of this.#sockets)
      if (this.#kept.has(socket)) {
        socket.close()
        this.#sockets.delete(key)
      }
    return this.#sockets.size > 0
  }

  close(): void {
    for (const socket of this.#sockets.values()) socket.close()
  }
}
