// All files that run when httpd starts a map program.
import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { dirname } from 'node:path'
import type { OwnMap } from './map-command.ts'
import { system } from './system.ts'

/**
 * @param program absolute
 * @param argv its command line
 * @returns files and directories: the program, its interpreter, files named on
 *   its command line, and for our map program the installation
 */
export function* programFiles(
  program: string,
  argv: readonly string[],
  own: OwnMap | undefined,
): Generator<string> {
  yield program
  const [, interpreter] =
    /^#![ \t]*(\/[^ \t\n]+)/.exec(system.head(program) ?? '') ?? []
  if (interpreter !== undefined) yield interpreter
  for (const word of argv)
    if (word.startsWith('/') && word !== own?.config && isFile(word)) yield word
  if (own === undefined) return
  const dist = dirname(dirname(system.real(own.main)))
  yield* below(dist)
  for (const directory of packagesOf(dirname(dist))) yield* below(directory)
}

function isFile(path: string): boolean {
  return system.path(path).kind === 'file'
}

function* below(directory: string): Generator<string> {
  yield directory
  for (const entry of entriesOf(directory)) {
    const path = `${directory}/${entry.name}`
    if (entry.isDirectory()) yield* below(path)
    else yield path
  }
}

function entriesOf(directory: string) {
  try {
    return readdirSync(directory, { withFileTypes: true })
  } catch {
    // missing, or not readable for this user
    return []
  }
}

/** The runtime packages of an installation, with their dependencies; not those for development. */
function packagesOf(root: string): Set<string> {
  const found = new Set<string>()
  const add = (directory: string): void => {
    for (const name of dependenciesOf(`${directory}/package.json`)) {
      const path = [directory, root]
        .map(base => `${base}/node_modules/${name}`)
        .find(one => existsSync(one))
      if (path === undefined || found.has(path)) continue
      found.add(path)
      add(path)
    }
  }
  add(root)
  return found
}

function dependenciesOf(file: string): string[] {
  try {
    const { dependencies }: { dependencies?: object } = JSON.parse(
      readFileSync(file, 'utf8'),
    )
    return Object.keys(dependencies ?? {})
  } catch {
    // missing, or not JSON: Node would report it
    return []
  }
}
