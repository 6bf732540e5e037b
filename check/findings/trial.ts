// The lookups for the trial of a map program, started as httpd would start it,
// and the findings from its answers. Pure.
import type { Trial } from '../facts.ts'
import type { Finding } from '../finding.ts'
import type { OwnMap } from '../map-command.ts'

/** The part of a pool that judging an answer needs. */
export type AskedPool = {
  readonly name: string
  /** valid answers: names or addresses */
  readonly members: readonly string[]
  /** a backend serves the pool now */
  readonly isServed: boolean
}

/** Asking for more pools adds nothing. */
const maxPools = 20
const unknownPool = 'zope-failover-check-no-such-pool'

/**
 * @param own undefined: some other program: only its line protocol can be judged
 */
export function questionsFor(
  own: OwnMap | undefined,
  pools: readonly AskedPool[],
): string[] {
  // a carriage return, which any visitor can send, confuses many line readers
  if (own === undefined)
    return [unknownPool, `${unknownPool}\r${unknownPool}`, unknownPool]
  return [
    ...pools
      .slice(0, maxPools)
      .map(({ name }, index) => `check-${index} ${name}`),
    `check-odd ${unknownPool} a\rb\u00FF`,
    `check-last ${unknownPool}`,
  ]
}

export function trialFindings(
  trial: Trial,
  own: OwnMap | undefined,
  pools: readonly AskedPool[],
  where: string,
  command: string,
): Finding[] {
  const finding = (
    code: string,
    what: string,
    why: string,
    remedy: string,
  ): Finding => ({ code, severity: 'error', what, why, remedy, where })
  const stderrText =
    trial.errors.trim() === ''
      ? ''
      : `; it said: ${trial.errors.trim().split('\n').slice(0, 5).join(' | ')}`
  if (trial.failure !== undefined)
    return [
      finding(
        'trial-not-started',
        `the map program could not be started the way httpd starts it: ${trial.failure}`,
        'httpd cannot start it either',
        `try it: ${command}`,
      ),
    ]
  const wanted = trial.questions.length
  const inTime = trial.output.split('\n').slice(0, -1)
  const text = `${trial.output}${trial.late}`
  const end = text.lastIndexOf('\n') + 1
  const all = text.slice(0, end).split('\n').slice(0, -1)
  const rest = text.slice(end)
  const findings: Finding[] = []
  if (inTime.length < wanted && trial.isEarly)
    findings.push(
      finding(
        'trial-ended-early',
        `the map program exited (${trial.end}) after ${inTime.length} of ${wanted} answers${stderrText}`,
        'httpd does not restart it: from then on every lookup gets an empty answer',
        `try it: ${command}`,
      ),
    )
  else if (inTime.length < wanted && all.length >= wanted)
    findings.push(
      finding(
        'trial-buffered',
        'the map program answers only at the end of its input: its output is buffered',
        'httpd waits for the answer without a timeout, and every request that needs a map program waits with it',
        'flush after each answer ($| = 1 in Perl, flush=True in Python)',
      ),
    )
  else if (inTime.length < wanted)
    findings.push(
      finding(
        'trial-no-answer',
        `the map program gave ${inTime.length} of ${wanted} answers within ${trial.limitMs / 1_000} s${rest === '' ? '' : `, and an incomplete line: ${JSON.stringify(rest)}`}${stderrText}`,
        'httpd waits for an answer without a timeout, and every request that needs a map program waits with it',
        `try it: ${command}`,
      ),
    )
  else if (all.length > wanted || rest !== '')
    findings.push(
      finding(
        'trial-too-many-lines',
        `the map program wrote ${all.length} lines${rest === '' ? '' : ' and an incomplete one'} for ${wanted} lookups`,
        'httpd reads the extra line as the answer to the next visitor’s lookup; every later answer is off by one until httpd is restarted',
        own === undefined
          ? 'split its input at byte 0x0A and nowhere else (Node’s readline also splits at \\r), and write one line for each'
          : `report this, with: ${command}`,
      ),
    )
  else if (own !== undefined)
    findings.push(...answerFindings(all, trial, own, pools, finding))
  if (!trial.hasEnded && !trial.isEarly)
    findings.push({
      ...finding(
        'trial-does-not-end',
        'the map program does not exit at the end of its input',
        'each graceful restart waits 3 seconds for it and accepts no connections in that time; with a launcher, every restart leaves another process behind',
        'make it exit at the end of its input',
      ),
      severity: 'warning',
    })
  return findings
}

function answerFindings(
  lines: readonly string[],
  { questions }: Trial,
  own: OwnMap,
  pools: readonly AskedPool[],
  finding: (code: string, what: string, why: string, remedy: string) => Finding,
): Finding[] {
  for (const [index, question] of questions.entries()) {
    const nonce = question.slice(0, question.indexOf(' '))
    const poolName = question.slice(nonce.length + 1)
    const line = String(lines[index])
    const exchange = `asked ${JSON.stringify(question)}, it answered ${JSON.stringify(line)}`
    if (!line.startsWith(`${nonce} `))
      return [
        finding(
          'trial-wrong-nonce',
          exchange,
          'the answer does not carry the ID of the request, so no rule accepts it',
          'the map program may have a different version: generate the files again',
        ),
      ]
    const answer = line.slice(nonce.length + 1)
    const pool = pools.find(({ name }) => name === poolName)
    if (answer === 'NULL') {
      if (pool?.isServed === true)
        return [
          finding(
            'trial-nobody',
            `${exchange}, but status reports a backend that serves pool ${pool.name}`,
            'the map program reads a different configuration or directory, or may not read them',
            'compare --config and --directory of the RewriteMap with the configuration',
          ),
        ]
      continue
    }
    const names = answer.split(' ')
    const mayBe = [
      ...(pool?.members ?? []),
      ...(own.answer === 'pair' ? ['-'] : []),
    ]
    const isRight =
      names.length === (own.answer === 'pair' ? 2 : 1) &&
      names[0] !== '-' &&
      names.every(name => mayBe.includes(name))
    if (!isRight)
      return [
        finding(
          'trial-wrong-answer',
          exchange,
          'that is not a backend of this pool, so the rules cannot use it',
          'compare --config of the RewriteMap with the configuration, and generate the files again',
        ),
      ]
  }
  return []
}
