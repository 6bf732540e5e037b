// Sends notices to the administrator, by webhook and by command: one attempt at a
// time per channel, repeated until delivered, even across restarts.
import { hostname } from 'node:os'
import type { Logger } from 'pino'
import type { NotifySettings } from '../../config/config.ts'
import { readRegularFile } from '../../sentinels/read.ts'
import type { ReceiverSeen } from '../../sentinels/reports.ts'
import type { Publisher } from '../directory/publisher.ts'
import { decide } from './decide.ts'
import type { Fact } from './fact.ts'
import {
  channels,
  emptyMemory,
  memoryFile,
  memoryText,
  parseMemory,
  type Channel,
  type Memory,
} from './memory.ts'
import { shortened, type Notice } from './notice.ts'
import {
  added,
  emptyQueue,
  replaced,
  nextOf,
  pauseMs,
  without,
  type Queue,
} from './queue.ts'
import { sendToCommand, sendToWebhook, type Delivery } from './send.ts'

const maxMemoryBytes = 32 * 1024 * 1024

/**
 * After this many failures in a row the newest notice is tried, too. A command also
 * fails when the mail server is away, and then the order matters.
 */
const patience: Readonly<Record<Channel, number>> = { webhook: 3, command: 9 }

export class Notices {
  readonly #directory: string
  readonly #publisher: Publisher
  readonly #log: Logger
  readonly #busy = new Set<Channel>()
  /** failures in a row of a receiver that can be reached */
  readonly #refusals: Record<Channel, number> = { webhook: 0, command: 0 }
  readonly #failures: Record<Channel, number> = { webhook: 0, command: 0 }
  /** the last attempt succeeded */
  readonly #isAlive: Record<Channel, boolean> = {
    webhook: false,
    command: false,
  }
  /** by id: failures right after another notice was delivered */
  readonly #suspicions: Record<Channel, Map<string, number>> = {
    webhook: new Map(),
    command: new Map(),
  }
  readonly #timers: Partial<Record<Channel, NodeJS.Timeout>> = {}
  #settings: NotifySettings | undefined
  #memory: Memory = emptyMemory
  #isRemembered = false
  /** notices given up since this monitor started */
  readonly #dropped: Record<Channel, number> = { webhook: 0, command: 0 }
  #abort = new AbortController()

  constructor(
    settings: NotifySettings | undefined,
    directory: string,
    publisher: Publisher,
    log: Logger,
  ) {
    this.#settings = settings
    this.#directory = directory
    this.#publisher = publisher
    this.#log = log
  }

  /** Whether any receiver is configured. */
  get isOn(): boolean {
    return this.#settings !== undefined
  }

  /** Per receiver, for the report; undefined = none is configured. */
  get seen(): Readonly<Record<string, ReceiverSeen>> | undefined {
    const settings = this.#settings
    if (settings === undefined) return undefined
    return Object.fromEntries(
      channels
        .filter(channel => settings[channel] !== undefined)
        .map(channel => [
          channel,
          {
            waiting: this.#memory.queues[channel].notices.length,
            dropped: this.#dropped[channel],
          },
        ]),
    )
  }

  /** Continues where the last monitor stopped. */
  start(): void {
    const file = readRegularFile(
      `${this.#directory}/${memoryFile}`,
      maxMemoryBytes,
    )
    if (file.kind !== 'bytes') return
    this.#isRemembered = true
    if (this.#settings !== undefined) this.#memory = parseMemory(file.text)
    this.#dropOrphans()
    this.#remember()
    this.#sendNext()
  }

  /** The receivers may have changed: an attempt in progress is repeated. */
  reconfigure(settings: NotifySettings | undefined): void {
    if (JSON.stringify(settings) === JSON.stringify(this.#settings)) return
    const wasOn = this.isOn
    this.stop()
    this.#abort = new AbortController()
    this.#settings = settings
    if (settings === undefined) this.#memory = emptyMemory
    this.#dropOrphans()
    if (wasOn) this.#remember()
    this.#sendNext()
  }

  /** The next monitor repeats an attempt in progress. */
  stop(): void {
    this.#abort.abort()
    for (const channel of channels) {
      clearTimeout(this.#timers[channel])
      delete this.#timers[channel]
      this.#failures[channel] = 0
      this.#refusals[channel] = 0
    }
  }

  /** @param facts all current ones */
  update(facts: readonly Fact[]): void {
    const settings = this.#settings
    if (settings === undefined) return
    const { ledger, notice } = decide(
      this.#memory.ledger,
      facts,
      settings,
      hostname(),
      Date.now(),
    )
    this.#memory = { ...this.#memory, ledger }
    if (notice !== undefined) {
      const { id, kind, severity, title } = notice
      this.#log.info({ notice: id, kind, severity, title }, 'notice')
      for (const channel of channels)
        if (settings[channel] !== undefined) {
          this.#put(channel, added(this.#memory.queues[channel], notice))
          this.#sendAtOnce(channel, notice)
        }
      this.#sendNext()
    }
    this.#remember()
  }

  /** The pause is for notices that failed, not for one that was never tried. */
  #sendAtOnce(channel: Channel, notice: Notice): void {
    if (this.#refusals[channel] < patience[channel] || this.#busy.has(channel))
      return
    clearTimeout(this.#timers[channel])
    delete this.#timers[channel]
    this.#busy.add(channel)
    void this.#attempt(channel, notice)
  }

  /** Drops the queues of receivers that are no longer configured. */
  #dropOrphans(): void {
    for (const channel of channels)
      if (this.#settings?.[channel] === undefined)
        this.#put(channel, emptyQueue)
  }

  #put(channel: Channel, queue: Queue): void {
    const { queues } = this.#memory
    // a delivery resets that count
    this.#dropped[channel] += Math.max(
      0,
      queue.dropped - queues[channel].dropped,
    )
    this.#memory = { ...this.#memory, queues: { ...queues, [channel]: queue } }
  }

  #sendNext(): void {
    if (this.#abort.signal.aborted) return
    for (const channel of channels) {
      const notice = nextOf(
        this.#memory.queues[channel],
        this.#refusals[channel],
        patience[channel],
      )
      if (
        notice === undefined ||
        this.#busy.has(channel) ||
        this.#timers[channel] !== undefined
      )
        continue
      this.#busy.add(channel)
      void this.#attempt(channel, notice)
    }
  }

  /** Never rejects. */
  async #attempt(channel: Channel, notice: Notice): Promise<void> {
    const { signal } = this.#abort
    const delivery = await this.#send(channel, notice, signal)
    this.#busy.delete(channel)
    if (!signal.aborted) this.#onAttempt(channel, notice, delivery)
    this.#sendNext()
  }

  async #send(
    channel: Channel,
    notice: Notice,
    signal: AbortSignal,
  ): Promise<Delivery> {
    const { webhook, headers, command, timeoutMs } = this.#settings ?? {}
    if (timeoutMs === undefined)
      return { kind: 'failed', why: 'switched off', isAnswer: false }
    if (channel === 'webhook' && webhook !== undefined)
      return sendToWebhook(notice, webhook, headers ?? {}, timeoutMs, signal)
    return sendToCommand(notice, command ?? '', timeoutMs, signal)
  }

  #onAttempt(channel: Channel, notice: Notice, delivery: Delivery): void {
    const fields = { notice: notice.id, channel, title: notice.title }
    if (delivery.kind === 'failed') {
      if (this.#isAtFault(channel, notice)) {
        this.#giveUp(channel, notice, delivery.why)
        return
      }
      const failures = (this.#failures[channel] += 1)
      this.#refusals[channel] = delivery.isAnswer
        ? this.#refusals[channel] + 1
        : 0
      const inMs = pauseMs(failures)
      this.#timers[channel] = setTimeout(() => {
        delete this.#timers[channel]
        this.#sendNext()
      }, inMs)
      const queued = this.#memory.queues[channel].notices.length
      this.#log[failures === 1 ? 'warn' : 'debug'](
        { ...fields, why: delivery.why, queued, inMs },
        'notice not delivered, retrying',
      )
      return
    }
    if (delivery.kind === 'refused') {
      this.#giveUp(channel, notice, delivery.why)
      return
    }
    const queue = this.#memory.queues[channel]
    const failures = this.#failures[channel]
    this.#failures[channel] = 0
    this.#refusals[channel] = 0
    this.#put(channel, without(queue, notice))
    if (failures > 0 || queue.dropped > 0)
      this.#log.warn(
        { ...fields, failures, dropped: queue.dropped },
        'notice delivered, the receiver is back',
      )
    else this.#log.info(fields, 'notice delivered')
    this.#isAlive[channel] = true
    this.#suspicions[channel].delete(notice.id)
    this.#remember()
  }

  /**
   * Whether the notice itself is the cause: it failed twice although the receiver
   * had just accepted another one.
   */
  #isAtFault(channel: Channel, { id }: Notice): boolean {
    if (!this.#isAlive[channel]) return false
    this.#isAlive[channel] = false
    const suspicions = (this.#suspicions[channel].get(id) ?? 0) + 1
    this.#suspicions[channel].set(id, suspicions)
    return suspicions > 1
  }

  /** First tries a shorter version, then drops it; logs either. */
  #giveUp(channel: Channel, notice: Notice, why: string): void {
    const shorter = shortened(notice)
    this.#put(channel, replaced(this.#memory.queues[channel], notice, shorter))
    this.#suspicions[channel].delete(notice.id)
    const fields = { notice: notice.id, channel, title: notice.title, why }
    if (shorter !== undefined)
      this.#log.warn(fields, 'notice rejected, trying a shorter one')
    else {
      this.#log.error(
        { ...fields, dropped: this.#dropped[channel] },
        'notice rejected, giving up',
      )
    }
    this.#remember()
  }

  /** Repeats a failed write as well, also in a recreated directory. */
  #remember(): void {
    const text = memoryText(this.#memory)
    if (text !== undefined) this.#publisher.writeFile(memoryFile, text)
    else if (this.#isRemembered) this.#publisher.remove(memoryFile)
    this.#isRemembered = text !== undefined
  }
}
