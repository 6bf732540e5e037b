// What a long command does now: on a terminal one line that is written over, else
// a line for each step.
import { printable } from '../text/printable.ts'
import type { Progress } from '../operate/wait.ts'
import { isScreen } from './output.ts'

type Stream = {
  readonly isTTY?: boolean
  readonly columns?: number
  readonly write: (text: string) => unknown
}

/** back to the beginning of the line, which is then empty */
const again = '\r\u001B[K'

export function progressOn(stream: Stream): Progress {
  const isLive = isScreen(stream)
  return {
    step: text => {
      stream.write(`${isLive ? again : ''}${printable(text)}\n`)
    },
    live: text => {
      // one that goes over two lines cannot be written over
      const width = (stream.columns ?? 80) - 1
      if (isLive) stream.write(`${again}${printable(text).slice(0, width)}`)
    },
  }
}
