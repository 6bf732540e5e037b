// Repeats an output every second, like `watch`.
import { setTimeout as sleep } from 'node:timers/promises'

const screen = {
  /** hides the cursor: it would jump across the table */
  begin: '\u001B[?25l\u001B[2J',
  end: '\u001B[?25h',
  /** overwrites the previous text, without the flicker of an empty screen */
  again: (text: string) =>
    `\u001B[H${text.replaceAll('\n', '\u001B[K\n')}\u001B[J`,
}

/**
 * Prints the current text every second until SIGINT or SIGTERM.
 *
 * @param isInPlace on a terminal: overwrites the previous text
 */
export async function watch(
  isInPlace: boolean,
  render: () => string,
): Promise<void> {
  const { stdout } = process
  const stop = new AbortController()
  const onSignal = (): void => stop.abort()
  process.once('SIGINT', onSignal).once('SIGTERM', onSignal)
  try {
    if (isInPlace) stdout.write(screen.begin)
    while (!stop.signal.aborted) {
      const text = render()
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
