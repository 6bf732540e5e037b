import { lstatSync } from 'node:fs'
import { servedFile } from './names.ts'

/**
 * When httpd last got a good answer from the backend, in ms since 1970, as
 * recorded by an observer; undefined = unknown.
 */
export function servedMs(
  directory: string,
  backend: string,
): number | undefined {
  try {
    const stats = lstatSync(`${directory}/${servedFile(backend)}`)
    return stats.isFile() ? stats.mtimeMs : undefined
  } catch {
    // no observer, or no good answer so far
    return undefined
  }
}
