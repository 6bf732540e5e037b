// Decides when a probe may start. Invariant: a thousand backends that are due at
// the same moment must not make each other's answers look late, since all of them
// share this one thread. So only a few start at a time, and arrived data is read in
// between. This limits starts, not probes in flight.
const startsPerTurn = 8

/** @returns a function that resolves when it is the caller's turn, in the order of asking */
export function startQueue(): () => Promise<void> {
  const waiting: (() => void)[] = []
  const drain = (): void => {
    for (const begin of waiting.splice(0, startsPerTurn)) begin()
    if (waiting.length > 0) setImmediate(drain)
  }
  return () =>
    new Promise(resolve => {
      if (waiting.push(resolve) === 1) setImmediate(drain)
    })
}
