// The same output again and again, as `watch` does it.
import { setTimeout as sleep } from 'node:timers/promises'

const screen = {
  /** the cursor is hidden: it would jump over the whole table */
  begin: '\u001B[?25l\u001B[2J',
  end: '\u001B[?25h',
  /** over the former text, without the flicker of an empty screen */
  again: (text: string) =>
    `\u001B[H${text.replaceAll('\n', '\u001B[K\n')}\u001B[J`,
}

/**
 * Shows the text anew every second until SIGINT or SIGTERM.
 *
 * @param isInPlace on a terminal: over the former text, not below it
 */
export async function watch(
  isInPlace: boolean,
  look: () => string,
): Promise<void> {
  const { stdout } = process
  const stop = new AbortController()
  const onSignal = (): void => stop.abort()
  process.once('SIGINT', onSignal).once('SIGTERM', onSignal)
  try {
    if (isInPlace) stdout.write(screen.begin)
    while (!stop.signal.aborted) {
      const text = look()
      stdout.write(isInPlace ? screen.again(text) : text)
      await sleep(1_000, undefined, { signal: stop.signal }).catch(() => {
        // aborted: there is no other reason
      })
    }
  } finally {
    if (isInPlace) stdout.write(screen.end)
    process.off('SIGINT', onSignal).off('SIGTERM', onSignal)
  }
}
