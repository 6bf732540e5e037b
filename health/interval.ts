// When a backend is probed again. Pure.
import type { ProbeSettings } from '../config/config.ts'
import type { Light } from './light.ts'
import { wellIntervalMs, type PaceSettings } from './pace.ts'

/** The interval for this state. */
export function intervalMs(
  { state, streak, pace }: Pick<Light, 'state' | 'streak' | 'pace'>,
  settings: PaceSettings &
    Pick<ProbeSettings, 'fastIntervalMs' | 'downIntervalMs'>,
): number {
  const isOut = state === 'down' || state === 'frozen'
  const isLate = state === 'slow' || state === 'busy'
  // about to change: a failure while up, a pass while out; and a late answer means
  // that a worker has just become free
  const isInDoubt = isOut ? streak > 0 : isLate || streak < 0
  if (isInDoubt) return Math.min(settings.fastIntervalMs, settings.intervalMs)
  return isOut ? settings.downIntervalMs : wellIntervalMs(pace, settings)
}

/** Up to 10 % more or less, so that the probes of many backends do not synchronize. */
export function jittered(ms: number, random: () => number): number {
  return ms * (0.9 + 0.2 * random())
}

/** The delay of the first probe: few backends start at once, many are spread out. */
export function firstDelayMs(
  backends: number,
  settings: Pick<ProbeSettings, 'intervalMs'>,
  random: () => number,
): number {
  return random() * Math.min(settings.intervalMs, backends)
}
