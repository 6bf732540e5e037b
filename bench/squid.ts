// Helpers of Squid, in lock step and with many questions in flight, driven by
// driver.c.
import { assertAgreement, squidKeys } from './agreement.ts'
import { measureLookups, type LookupTimes } from './lookups.ts'
import { squidHelpers } from './programs.ts'
import type { Scratch } from './scratch.ts'
import type { DriveOptions } from './drive-in-c.ts'
import type { CPrograms } from './tools.ts'

export type SquidTimes = {
  readonly inFlight: number
  /** this one, C, others */
  readonly times: readonly LookupTimes[]
}

export async function measureSquid(
  scratch: Scratch,
  c: CPrograms,
  options: DriveOptions,
): Promise<SquidTimes[]> {
  const helpers = squidHelpers(scratch, c)
  await assertAgreement(scratch, helpers, squidKeys)
  const measured: SquidTimes[] = []
  for (const inFlight of [1, 100])
    measured.push({
      inFlight,
      times: await measureLookups(scratch, helpers, c.driver, {
        ...options,
        inFlight,
      }),
    })
  return measured
}
