// Repeats an output every second, like `watch`, and when a file changes.
import { setTimeout as sleep } from 'node:timers/promises'

const screen = {
  /** hides the cursor: it would jump across the table */
  begin: '\u001B[?25l\u001B[2J',
  end: '\u001B[?25h',
  /** overwrites the previous text, without the flicker of an empty screen */
  again: (text: string) =>
    `\u001B[H${text.replaceAll('\n', '\u001B[K\n')}\u001B[J`,
}

/** Between two outputs, however often the files change. */
const leastMs = 100

/**
 * Prints the current text every second, and when one of the files changes, until
 * SIGINT or SIGTERM.
 *
 * @param isInPlace on a terminal: overwrites the previous text
 */
export async function watch(
  isInPlace: boolean,
  files: readonly string[],
  render: () => string,
): Promise<void> {
  const { stdout } = process
  const stop = new AbortController()
  let changed = new AbortController()
  const chokidar = await import('chokidar')
  const watcher = chokidar
    .watch([...files], { ignoreInitial: true })
    .on('all', () => changed.abort())
    // no watch left, or a file closed to us: every second is enough
    .on('error', () => {})
  const onSignal = (): void => stop.abort()
  process.once('SIGINT', onSignal).once('SIGTERM', onSignal)
  try {
    if (isInPlace) stdout.write(screen.begin)
    while (!stop.signal.aborted) {
      const text = render()
      stdout.write(isInPlace ? screen.again(text) : text)
      changed = new AbortController()
      await pause(leastMs, stop.signal)
      await pause(
        1_000 - leastMs,
        AbortSignal.any([stop.signal, changed.signal]),
      )
    }
  } finally {
    if (isInPlace) stdout.write(screen.end)
    process.off('SIGINT', onSignal).off('SIGTERM', onSignal)
    await watcher.close()
  }
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { signal }).catch(() => {
    // aborted: there is no other reason
  })
}
