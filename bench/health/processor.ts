// The resource usage of a process, from /proc.
import { readFileSync, readdirSync } from 'node:fs'

/** Processor time of all its threads so far, to the nanosecond. */
export function cpuMsOf(pid: number): number {
  return readdirSync(`/proc/${pid}/task`)
    .map(task =>
      Number(
        readFileSync(`/proc/${pid}/task/${task}/schedstat`, 'utf8').split(
          ' ',
        )[0],
      ),
    )
    .reduce((sum, ns) => sum + ns / 1e6, 0)
}

/** Its resident memory now. */
export function residentMbOf(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  return (Number(/^VmRSS:\s*(\d+) kB/m.exec(status)?.[1]) * 1024) / 1e6
}
