// The other machines, as this one reports them. Pure.
import type { MachineReport } from '../sentinels/reports.ts'
import { ClockOffset, leaseSeconds } from './presence.ts'
import type { Live } from './keys.ts'

type Machine = {
  /** the last sign of life; undefined = none since this monitor started */
  readonly live: Live | undefined
  readonly lastSeenAt: number
  readonly isLive: boolean
}

/** A sign of life that is older counts as none. */
const maxAgeMs = 2_000 * leaseSeconds

/** Compared with these of this machine. */
export type Self = Pick<Live, 'states' | 'settings'>

export class Machines {
  readonly #machines = new Map<string, Machine>()
  readonly #offsets = new Map<string, ClockOffset>()
  readonly #members = new Set<string>()

  setMember(name: string, isMember: boolean): void {
    if (isMember) this.#members.add(name)
    else {
      this.#members.delete(name)
      if (this.#machines.get(name)?.isLive !== true) this.#forget(name)
    }
  }

  /**
   * @param isFresh it has just been written: it shows the machine's clock
   * @param nowMs since 1970
   */
  setLive(name: string, live: Live, isFresh: boolean, nowMs: number): void {
    this.#machines.set(name, { live, lastSeenAt: nowMs, isLive: true })
    if (!isFresh) return
    const offset = this.#offsets.get(name) ?? new ClockOffset()
    this.#offsets.set(name, offset)
    offset.add(live.now, nowMs)
  }

  setAway(name: string): void {
    const machine = this.#machines.get(name)
    if (machine === undefined) return
    if (this.#members.has(name))
      this.#machines.set(name, { ...machine, isLive: false })
    else this.#forget(name)
  }

  offsetOf(name: string): number | undefined {
    return this.#offsets.get(name)?.ms
  }

  /** All members, live or not, in the order of their names. */
  report(self: Self, nowMs: number): Record<string, MachineReport> {
    return Object.fromEntries(
      [...new Set([...this.#members, ...this.#machines.keys()])]
        .toSorted()
        .map(name => [name, this.#reportOf(name, self, nowMs)]),
    )
  }

  /** By backend and machine: the states that differ from ours. */
  differs(self: Self, own: string): Record<string, Record<string, string>> {
    const differs = new Map<string, Record<string, string>>()
    for (const [name, { live, isLive }] of this.#machines) {
      if (live === undefined || !isLive || name === own) continue
      const theirs = new Map(Object.entries(live.states))
      const ours = new Map(Object.entries(self.states))
      for (const backend of new Set([...theirs.keys(), ...ours.keys()])) {
        const state = theirs.get(backend) ?? 'up'
        if (state !== (ours.get(backend) ?? 'up') && hasBackend(live, backend))
          differs.set(backend, {
            ...differs.get(backend),
            [name]: state,
          })
      }
    }
    return Object.fromEntries(differs)
  }

  #reportOf(name: string, self: Self, nowMs: number): MachineReport {
    const { live, lastSeenAt, isLive } = this.#machines.get(name) ?? {
      live: undefined,
      lastSeenAt: 0,
      isLive: false,
    }
    const differing = live === undefined ? [] : differingSettings(live, self)
    return {
      // without etcd its end is not reported
      state: isLive && nowMs - lastSeenAt < maxAgeMs ? 'live' : 'away',
      ageMs: live === undefined ? null : Math.max(0, nowMs - lastSeenAt),
      version: live?.version ?? null,
      clockMs: this.offsetOf(name) ?? null,
      settingsDiffer: differing.length > 0,
      differing,
      maps: live?.maps ?? 0,
      own: live?.own ?? [],
    }
  }

  #forget(name: string): void {
    this.#machines.delete(name)
    this.#offsets.delete(name)
  }
}

/** Whether the machine has such a backend, as far as it says. */
export function hasBackend({ settings }: Live, backend: string): boolean {
  const names = Object.keys(settings).filter(name => name !== '*')
  return names.length === 0 || names.includes(backend)
}

function differingSettings({ settings }: Live, self: Self): string[] {
  const theirs = new Map(Object.entries(settings))
  const ours = new Map(Object.entries(self.settings))
  // a machine with many backends sends no hash of each
  if (theirs.size <= 1 && ours.size > 1) return []
  return [...new Set([...theirs.keys(), ...ours.keys()])]
    .filter(name => theirs.get(name) !== ours.get(name))
    .toSorted()
}
