// Watches the configuration file of a running program with chokidar. Its events
// are hints: the caller reads the file in any case once a second, because no event
// comes when a link in the path is changed, on a network file system, or when the
// system has no inotify watch left.
import { watch, type FSWatcher } from 'chokidar'
import { errorCode } from '../system/error-code.ts'

/** Until then a change is not complete: half of a file can be valid. */
const settleMs = 250

/** What to do about a system that cannot watch files. */
export const watchRemedy =
  'raise fs.inotify.max_user_watches and fs.inotify.max_user_instances'

/**
 * @param onChange called when the file was changed, replaced, removed or created,
 *   and its size has settled
 * @param onLimit called once, with the error code, when the system's limits leave no
 *   watch for it
 */
export function watchConfig(
  file: string,
  onChange: () => void,
  onLimit: (code: string) => void = () => {},
): FSWatcher {
  let isLimited = false
  return watch(file, {
    ignoreInitial: true,
    persistent: false,
    awaitWriteFinish: { stabilityThreshold: settleMs, pollInterval: 50 },
  })
    .on('all', onChange)
    .on('error', err => {
      const code = errorCode(err)
      // a file that is gone or closed to us: reading it reports that
      if (isLimited || !['ENOSPC', 'EMFILE', 'ENFILE'].includes(code)) return
      isLimited = true
      onLimit(code)
    })
}
