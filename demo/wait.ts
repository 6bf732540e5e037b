import { setTimeout as pause } from 'node:timers/promises'

/**
 * Waits until `holds` returns true.
 *
 * @throws after a minute, naming `what`: something hangs
 */
export async function waitFor(
  what: string,
  holds: () => boolean | Promise<boolean>,
): Promise<true> {
  const end = performance.now() + 60_000
  while (!(await holds())) {
    if (performance.now() > end) throw new Error(`waited a minute for ${what}`)
    await pause(10)
  }
  return true
}
