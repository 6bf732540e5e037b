// The NAME.maint that `restart` puts there. Invariant: while the command
// runs it ends by itself soon after its owner has died; what somebody else has
// changed is never written over, nor taken away.
import { formatAdminNote } from '../sentinels/content.ts'
import { sentinelFile } from '../sentinels/names.ts'
import { readRegularFile } from '../sentinels/read.ts'
import { removeFile, writeAside } from '../sentinels/write.ts'
import { withRemedy } from './with-remedy.ts'

/** So long it outlives its owner. */
const leaseMs = 60_000

export class MaintenanceLease {
  readonly #directory: string
  readonly #file: string
  readonly #by: string
  #reason = ''
  /** what we wrote last; undefined = nothing yet, so nothing there is ours */
  #text: string | undefined
  #timer: NodeJS.Timeout | undefined
  /** when it was last taken, ms since 1970 */
  #sinceMs = 0

  /** @param by who gives the order */
  constructor(directory: string, name: string, by: string) {
    this.#directory = directory
    this.#file = sentinelFile(name, 'maint')
    this.#by = by
  }

  get sinceMs(): number {
    return this.#sinceMs
  }

  get isTaken(): boolean {
    return this.#text !== undefined
  }

  get reason(): string {
    return this.#reason
  }

  /** No traffic from now on. */
  take(reason: string): void {
    this.#reason = reason
    this.#write(Date.now() + leaseMs)
    this.#sinceMs = Date.now()
    this.#timer = setInterval(() => {
      try {
        if (this.isOurs()) this.#write(Date.now() + leaseMs)
      } catch {
        // a full disk: the lease runs on, and the next step says it is gone
      }
    }, leaseMs / 4)
  }

  /** Another reason for the same. */
  setReason(reason: string): void {
    this.#reason = reason
    if (this.isOurs()) this.#write(Date.now() + leaseMs)
  }

  /** Nobody else has changed it, and it has not run out. */
  isOurs(): boolean {
    const read = readRegularFile(`${this.#directory}/${this.#file}`, 4_096)
    return (
      this.#text !== undefined &&
      read.kind === 'bytes' &&
      read.text === this.#text
    )
  }

  /** @throws when somebody else has changed it, or it has run out */
  check(): void {
    if (!this.isOurs())
      throw new Error(
        `somebody has changed ${this.#file}, or it ran out while this program was stopped`,
      )
  }

  /** Leaves it there for a person, without an end. */
  leave(reason: string): void {
    clearInterval(this.#timer)
    this.#reason = reason
    if (this.isOurs()) this.#write(null)
  }

  /** Traffic again. */
  release(): void {
    clearInterval(this.#timer)
    if (!this.isOurs()) return
    withRemedy(this.#directory, this.#file, file => {
      removeFile(this.#directory, file)
    })
  }

  #write(until: number | null): void {
    const note = { reason: this.#reason, by: this.#by, until }
    const text = formatAdminNote(note)
    withRemedy(this.#directory, this.#file, file => {
      writeAside(this.#directory, file, text)
    })
    this.#text = text
  }
}
