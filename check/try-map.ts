// Starts a map program as httpd would (same words, same user, no environment,
// the program's own directory), makes some lookups, and lets it exit.
//
// A trial of our map program must not change the sentinel directory: it runs with a
// file size limit of 0 bytes (RLIMIT_FSIZE, which does not apply to pipes), so it writes neither its report nor its last good configuration.
import { spawn } from 'node:child_process'
import { killGroup } from '../system/run-command.ts'
import type { Trial, User } from './facts.ts'

/** More output than this is a fault in itself. */
const maxOutput = 1024 * 1024

/** sh sets PWD; httpd passes no environment. */
const withoutFiles = [
  '/bin/sh',
  '-c',
  'ulimit -f 0; unset PWD OLDPWD; exec "$@"',
  'sh',
]

/**
 * @param user undefined: as the current user
 * @param isOwn our map program, which the file size limit does not disturb
 * @param limitMs for all answers, and again for its exit
 */
export async function tryMap(
  argv: readonly string[],
  directory: string,
  user: User | undefined,
  isOwn: boolean,
  questions: readonly string[],
  limitMs: number,
): Promise<Trial> {
  const [command = '', ...args] = isOwn ? [...withoutFiles, ...argv] : argv
  const child = spawn(command, args, {
    cwd: directory,
    env: {},
    // in its own process group, so that all of it can be ended
    detached: true,
    ...(user === undefined
      ? {}
      : { uid: user.uid, gid: user.gids[0] ?? user.uid }),
  })
  let output = ''
  let late = ''
  let errors = ''
  let failure: string | undefined
  let end = ''
  let isInputOver = false
  let isGone = false
  let wake = nothing
  child.stdout.on('data', (chunk: Buffer) => {
    const text = chunk.toString('latin1')
    if (isInputOver) late = (late + text).slice(0, maxOutput)
    else output = (output + text).slice(0, maxOutput)
    wake()
  })
  child.stderr.on('data', (chunk: Buffer) => {
    errors = (errors + chunk.toString()).slice(0, 10_000)
  })
  // it exited without reading: its exit code shows that
  child.stdin.on('error', nothing)
  child.on('error', err => {
    failure = err.message
    isGone = true
    wake()
  })
  child.on('close', (code, signal) => {
    end = signal ?? `exit code ${code}`
    isGone = true
    wake()
  })
  const until = async (isDone: () => boolean): Promise<void> => {
    if (isDone()) return
    await new Promise<void>(done => {
      const timer = setTimeout(done, limitMs)
      wake = () => {
        if (!isDone()) return
        clearTimeout(timer)
        done()
      }
    })
    wake = nothing
  }
  child.stdin.write(
    Buffer.from(questions.map(line => `${line}\n`).join(''), 'latin1'),
  )
  await until(() => isGone || output.split('\n').length > questions.length)
  const isEarly = isGone
  isInputOver = true
  child.stdin.end()
  await until(() => isGone)
  const hasEnded = isGone && !isEarly
  if (!isGone) killGroup(child.pid)
  return {
    questions,
    output,
    late,
    errors,
    failure,
    isEarly,
    hasEnded,
    end,
    limitMs,
  }
}

function nothing(): void {}
