// Waiting for a Plone, which takes longer than anything in the tests.
import { setTimeout as pause } from 'node:timers/promises'

const limitMs = 600_000

/** @throws after ten minutes, naming `what` */
export async function waitFor(
  what: string,
  look: () => boolean | Promise<boolean>,
): Promise<void> {
  const end = performance.now() + limitMs
  while (!(await look())) {
    if (performance.now() > end)
      throw new Error(`waited ${limitMs / 1_000} s for: ${what}`)
    await pause(50)
  }
}
