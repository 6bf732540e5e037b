// The file names of the sentinel directory and their meanings.
import { namePattern } from '../config/config.ts'

export const sentinelKinds = [
  'up',
  'drain',
  'maint',
  'force',
  'suspect',
] as const
type SentinelKind = (typeof sentinelKinds)[number]

/** The files an administrator puts there. */
export type AdminKind = 'drain' | 'maint' | 'force'
export const adminKinds = ['maint', 'drain', 'force'] as const

export const monitorReportFile = 'monitor.json'

/** The decisions of the monitor, for httpd itself (choice/text-map.ts). */
export const textMapFile = 'zope-failover.map'

/** The programs that answer from the table; each writes a report. */
export const readerPrograms = [
  'rewritemap',
  'squid-helper',
  'icp',
  'follow',
] as const
export type ReaderProgram = (typeof readerPrograms)[number]

/** The report of one running program (several of a kind can run at once). */
export function readerReportFile(program: ReaderProgram, pid: number): string {
  return `${program}-${pid}.json`
}

const readerReport = new RegExp(
  `^(${readerPrograms.join('|')})-([1-9]\\d{0,9})\\.json$`,
)

/**
 * Written by `observe`: its time is that of the last good answer that httpd got
 * from the backend. Several observers may run, independently of each other.
 */
export function servedFile(backend: string): string {
  return `${backend}.served`
}

type FileMeaning =
  | {
      readonly kind: 'sentinel'
      readonly backend: string
      readonly sentinel: SentinelKind
    }
  | { readonly kind: 'monitor-report' }
  | { readonly kind: 'map-report'; readonly pid: number }
  /** from any other program that answers from the table */
  | {
      readonly kind: 'reader-report'
      readonly program: ReaderProgram
      readonly pid: number
    }
  | { readonly kind: 'served'; readonly backend: string }
  | { readonly kind: 'text-map' }
  /** temporary or hidden file: ignored */
  | { readonly kind: 'silent' }
  /** unknown, reported once: perhaps a typo of the administrator */
  | { readonly kind: 'strange' }

export function sentinelFile(backend: string, kind: SentinelKind): string {
  return `${backend}.${kind}`
}

/** The meaning of a file of the directory, by its name alone. */
export function meaningOf(file: string): FileMeaning {
  if (file.startsWith('.') || file.endsWith('.tmp')) return { kind: 'silent' }
  if (file === monitorReportFile) return { kind: 'monitor-report' }
  if (file === textMapFile) return { kind: 'text-map' }
  const [, program, pid] = readerReport.exec(file) ?? []
  if (program === 'rewritemap') return { kind: 'map-report', pid: Number(pid) }
  const reader = readerPrograms.find(name => name === program)
  if (reader !== undefined)
    return { kind: 'reader-report', program: reader, pid: Number(pid) }
  const [backend = '', ending, ...more] = file.split('.')
  if (file.endsWith('.served') && namePattern.test(backend))
    return { kind: 'served', backend }
  const sentinel = sentinelKinds.find(kind => kind === ending)
  return sentinel !== undefined &&
    more.length === 0 &&
    namePattern.test(backend)
    ? { kind: 'sentinel', backend, sentinel }
    : { kind: 'strange' }
}
