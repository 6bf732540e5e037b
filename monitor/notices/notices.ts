// Tells the administrator what happens, by webhook and by command: one attempt at
// a time for each, again and again until it arrives, also after a restart.
import { hostname } from 'node:os'
import type { Logger } from 'pino'
import type { NotifySettings } from '../../config/config.ts'
import { readRegularFile } from '../../sentinels/read.ts'
import type { Publisher } from '../publish.ts'
import { decide } from './decide.ts'
import type { Fact } from './fact.ts'
import {
  channels,
  emptyMemory,
  memoryFile,
  memoryText,
  parseMemory,
} from './memory.ts'
import type { Channel, Memory } from './memory.ts'
import type { Notice } from './notice.ts'
import { added, emptyQueue, pauseMs, without } from './queue.ts'
import type { Queue } from './queue.ts'
import { sendToCommand, sendToWebhook } from './send.ts'
import type { Sent } from './send.ts'

const maxMemoryBytes = 32 * 1024 * 1024

export class Notices {
  readonly #directory: string
  readonly #publisher: Publisher
  readonly #log: Logger
  readonly #busy = new Set<Channel>()
  readonly #failures: Record<Channel, number> = { webhook: 0, command: 0 }
  readonly #timers: Partial<Record<Channel, NodeJS.Timeout>> = {}
  #settings: NotifySettings | undefined
  #memory: Memory = emptyMemory
  #isRemembered = false
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

  /** Whether there is anybody to tell. */
  get isOn(): boolean {
    return this.#settings !== undefined
  }

  /** Goes on where the last monitor ended. */
  start(): void {
    const file = readRegularFile(
      `${this.#directory}/${memoryFile}`,
      maxMemoryBytes,
    )
    if (file.kind !== 'bytes') return
    this.#isRemembered = true
    if (this.#settings !== undefined) this.#memory = parseMemory(file.text)
    this.#forgetOthers()
    this.#remember()
    this.#begin()
  }

  /** Other receivers, perhaps: an attempt under way is made again. */
  retune(settings: NotifySettings | undefined): void {
    if (JSON.stringify(settings) === JSON.stringify(this.#settings)) return
    const wasOn = this.isOn
    this.stop()
    this.#abort = new AbortController()
    this.#settings = settings
    if (settings === undefined) this.#memory = emptyMemory
    this.#forgetOthers()
    if (wasOn) this.#remember()
    this.#begin()
  }

  /** What is under way is sent again by the next monitor. */
  stop(): void {
    this.#abort.abort()
    for (const channel of channels) {
      clearTimeout(this.#timers[channel])
      delete this.#timers[channel]
      this.#failures[channel] = 0
    }
  }

  /** @param facts all there are now */
  note(facts: readonly Fact[]): void {
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
        if (settings[channel] !== undefined)
          this.#put(channel, added(this.#memory.queues[channel], notice))
      this.#begin()
    }
    this.#remember()
  }

  /** What was meant for a receiver there no longer is. */
  #forgetOthers(): void {
    for (const channel of channels)
      if (this.#settings?.[channel] === undefined)
        this.#put(channel, emptyQueue)
  }

  #put(channel: Channel, queue: Queue): void {
    const { queues } = this.#memory
    this.#memory = { ...this.#memory, queues: { ...queues, [channel]: queue } }
  }

  #begin(): void {
    if (this.#abort.signal.aborted) return
    for (const channel of channels) {
      const [notice] = this.#memory.queues[channel].notices
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
    const sent = await this.#send(channel, notice, signal)
    this.#busy.delete(channel)
    if (!signal.aborted) this.#tell(channel, notice, sent)
    this.#begin()
  }

  async #send(
    channel: Channel,
    notice: Notice,
    signal: AbortSignal,
  ): Promise<Sent> {
    const { webhook, headers, command, timeoutMs } = this.#settings ?? {}
    if (timeoutMs === undefined) return { kind: 'failed', why: 'switched off' }
    if (channel === 'webhook' && webhook !== undefined)
      return sendToWebhook(notice, webhook, headers ?? {}, timeoutMs, signal)
    return sendToCommand(notice, command ?? '', timeoutMs, signal)
  }

  #tell(channel: Channel, notice: Notice, sent: Sent): void {
    const queue = this.#memory.queues[channel]
    const fields = { notice: notice.id, channel, title: notice.title }
    if (sent.kind === 'failed') {
      const failures = (this.#failures[channel] += 1)
      const inMs = pauseMs(failures)
      this.#timers[channel] = setTimeout(() => {
        delete this.#timers[channel]
        this.#begin()
      }, inMs)
      this.#log[failures === 1 ? 'warn' : 'debug'](
        { ...fields, why: sent.why, queued: queue.notices.length, inMs },
        'notice did not arrive, trying again',
      )
      return
    }
    const { dropped } = queue
    const failures = this.#failures[channel]
    this.#failures[channel] = 0
    this.#put(channel, without(queue, notice))
    this.#remember()
    if (sent.kind === 'refused')
      this.#log.error({ ...fields, why: sent.why }, 'notice refused, given up')
    else if (failures > 0 || dropped > 0)
      this.#log.warn(
        { ...fields, failures, dropped },
        'notice arrived, the receiver is back',
      )
    else this.#log.info(fields, 'notice arrived')
  }

  /** Also what could not be written before, in a directory made anew, too. */
  #remember(): void {
    const text = memoryText(this.#memory)
    if (text !== undefined) this.#publisher.keep(memoryFile, text)
    else if (this.#isRemembered) this.#publisher.remove(memoryFile)
    this.#isRemembered = text !== undefined
  }
}
