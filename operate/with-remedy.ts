// Changes an administrator's file; an error has a remedy.
import { lstatSync } from 'node:fs'
import { CommandError } from '../system/command-error.ts'
import { errorCode } from '../system/error-code.ts'
import { directoryRemedy } from '../sentinels/read.ts'

/** @throws {CommandError} with a remedy */
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
        ? `${directory}/${file} could not be changed (${code}); a directory has this name: remove it`
        : `${directory}/${file} could not be changed (${code}); ${directoryRemedy(code)}`,
      { cause: err },
    )
  }
}
