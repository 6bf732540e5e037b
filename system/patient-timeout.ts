// A time limit that does not count data as late which has already arrived.

/**
 * Calls back after `ms`. Timers run before arrived data is read, setImmediate after
 * it: so what came during a pause of this process counts first.
 *
 * @returns cancels it
 */
export function patientTimeout(ms: number, then: () => void): () => void {
  let immediate: NodeJS.Immediate | undefined
  const timer = setTimeout(() => {
    immediate = setImmediate(then)
  }, ms)
  return () => {
    clearTimeout(timer)
    clearImmediate(immediate)
  }
}
