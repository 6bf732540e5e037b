// The NAME.maint file of `restart`. Invariant: while the command runs, it expires
// soon after its owner has died; a file that was changed by others is never
// overwritten or removed.
import { formatAdminNote } from '../sentinels/content.ts'
import { sentinelFile } from '../sentinels/names.ts'
import { readRegularFile } from '../sentinels/read.ts'
import { removeFile, writeAside } from '../sentinels/write.ts'
import { withRemedy } from './with-remedy.ts'

/** How long it outlives its owner. */
const leaseMs = 60_000

export class MaintenanceLease {
  readonly #directory: string
  readonly #file: string
  readonly #by: string
  #reason = ''
  /** what we wrote last; undefined = nothing yet, so no file is ours */
  #text: string | undefined
  #timer: NodeJS.Timeout | undefined
  /** when it was last taken, ms since 1970 */
  #sinceMs = 0

  /** @param by who runs the command */
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

  /** Takes the backend out of service. */
  take(reason: string): void {
    this.#reason = reason
    this.#write(Date.now() + leaseMs)
    this.#sinceMs = Date.now()
    this.#timer = setInterval(() => {
      try {
        if (this.isOurs()) this.#write(Date.now() + leaseMs)
      } catch {
        // a full disk: the lease continues, and the next step reports its loss
      }
    }, leaseMs / 4)
  }

  /** Changes the reason. */
  setReason(reason: string): void {
    this.#reason = reason
    if (this.isOurs()) this.#write(Date.now() + leaseMs)
  }

  /** Whether the file is unchanged and has not expired. */
  isOurs(): boolean {
    const read = readRegularFile(`${this.#directory}/${this.#file}`, 4_096)
    return (
      this.#text !== undefined &&
      read.kind === 'bytes' &&
      read.text === this.#text
    )
  }

  /** @throws if it was changed by others or has expired */
  check(): void {
    if (!this.isOurs())
      throw new Error(
        `${this.#file} was changed, or it expired while this program was stopped`,
      )
  }

  /** Leaves the file for an operator, without an end. */
  leave(reason: string): void {
    clearInterval(this.#timer)
    this.#reason = reason
    if (this.isOurs()) this.#write(null)
  }

  /** Puts the backend back into service. */
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
