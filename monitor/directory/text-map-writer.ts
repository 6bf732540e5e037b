// Keeps zope-failover.map in sync with the sentinels: at once after a verdict of
// this monitor, soon after a change by an administrator.
import { nextExpiry, textMap } from '../../choice/text-map.ts'
import { sentinelNames, type Config } from '../../config/config.ts'
import { textMapFile } from '../../sentinels/names.ts'
import { SentinelReader } from '../../sentinels/read.ts'
import type { Snapshot } from '../../sentinels/snapshot.ts'
import { DutyCycle } from '../../system/duty-cycle.ts'
import type { Publisher } from './publisher.ts'
import { announcements } from './scan.ts'

export class TextMapWriter {
  readonly #publisher: Publisher
  readonly #reader: SentinelReader
  readonly #onRead: (snapshot: Snapshot) => void
  #config: Config
  /** the administrator's files just before the directory was last read */
  #marks = ''
  /** by the wall clock: when the next administrator's file expires */
  #expiresMs = Infinity
  readonly #writing = new DutyCycle({ share: 1 / 5, mostMs: 1_000 })
  #timer: NodeJS.Timeout | undefined
  #isStopped = false

  /** @param onRead called with the directory's content each time it was read */
  constructor(
    config: Config,
    publisher: Publisher,
    onRead: (snapshot: Snapshot) => void = () => {},
  ) {
    this.#config = config
    this.#publisher = publisher
    this.#onRead = onRead
    this.#reader = new SentinelReader(config.directory)
  }

  reconfigure(config: Config): void {
    this.#config = config
    this.schedule()
  }

  /** Something has changed: writes the map soon, with what was just published. */
  schedule(): void {
    if (this.#timer !== undefined || this.#isStopped) return
    // a huge directory must not take time from the probes
    this.#timer = setTimeout(() => {
      this.#timer = undefined
      this.#writing.run(() => {
        const names = sentinelNames(this.#config)
        const { marks } = announcements(this.#config.directory, names)
        this.update(this.#reader.read(new Set(names)), marks)
      })
    }, this.#writing.waitMs)
  }

  /**
   * Compares with what the map was made of, not with the last call: a file that
   * came and went in between may be in the map.
   *
   * @param marks the administrator's files now, see `announcements`
   */
  compare(marks: string): void {
    if (marks !== this.#marks) this.schedule()
  }

  /** Called on every beat of the monitor. */
  beat(): void {
    if (Date.now() >= this.#expiresMs) this.schedule()
  }

  /** The file stays, as the verdicts do. */
  stop(): void {
    this.#isStopped = true
    clearTimeout(this.#timer)
  }

  /**
   * @param snapshot the directory as just read
   * @param marks the administrator's files just before that
   */
  update(snapshot: Snapshot, marks: string): void {
    const now = Date.now()
    this.#marks = marks
    this.#onRead(snapshot)
    this.#expiresMs = nextExpiry(snapshot, now)
    this.#publisher.writeFile(textMapFile, textMap(this.#config, snapshot, now))
  }
}
