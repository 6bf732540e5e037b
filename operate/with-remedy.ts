// A change to an administrator's file, or why it cannot be made.
import { lstatSync } from 'node:fs'
import { CommandError } from '../system/command-error.ts'
import { errorCode } from '../system/error-code.ts'
import { directoryRemedy } from '../sentinels/read.ts'

/** @throws {CommandError} with what to do about it */
export function withRemedy(
  directory: string,
  file: string,
  act: (file: string) => void,
): void {
  try {
    act(file)
  } catch (err) {
    const code = errorCode(err)
    const isInTheWay = code === 'EISDIR' || code === 'EPERM'
    throw new CommandError(
      isInTheWay && lstatSync(`${directory}/${file}`).isDirectory()
        ? `${directory}/${file} could not be changed (${code}); a directory is in its place: remove it`
        : `${directory}/${file} could not be changed (${code}); ${directoryRemedy(code)}`,
      { cause: err },
    )
  }
}
