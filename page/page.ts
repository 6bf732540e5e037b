// The status page: a complete document without its script; the script only keeps
// it up to date. Pure.
import { backendTable, glyphs, type Pictures } from './backends.ts'
import { concernsOf, verdictOf, type Concern } from './concerns.ts'
import { toneOf, type StatusEvent } from './events.ts'
import { html, nothing, type Html } from './html.ts'
import { timeElement } from './time-element.ts'
import { clusterList } from '../status/cluster.ts'
import type {
  BackendStatus,
  PoolStatus,
  StatusReport,
} from '../status/report.ts'
import { Fragments, fill, type PageTemplate } from './page-template.ts'
import { programText, readersOf, rowsOf, seenKind } from '../status/print.ts'

/** The element that contains the whole page. */
export const root = 'page'

/** @param events newest first */
export function pageTemplate(
  report: StatusReport,
  pictures: Pictures,
  events: readonly StatusEvent[],
): PageTemplate {
  const fragments = new Fragments()
  const concerns = concernsOf(report)
  return fragments.template(
    html`<div class="board">
        <header id="summary">
          <p id="verdict" role="status">
            ${fragments.cell('verdict', verdictIn(report, concerns))}
          </p>
          <p id="counts">${fragments.cell('counts', countsOf(report))}</p>
        </header>
        <section id="programs" aria-label="Programs">
          ${fragments.cell('programs', programsOf(report))}
        </section>
        <section id="problems" aria-label="Problems">
          ${fragments.cell('problems', concernList(concerns))}
        </section>
        <section id="pools" aria-label="Pools">
          ${fragments.cell('pools', poolsOf(report))}
        </section>
        <section id="backends" aria-label="Backends">
          <label class="filter"
            ><input type="checkbox" id="only" /> only unhealthy</label
          >
          ${backendTable(rowsOf(report), report.pools, pictures, fragments)}
        </section>
      </div>
      <section id="events" aria-label="Events" tabindex="0">
        ${fragments.cell('events', eventsOf(events))}
      </section> `,
  )
}

/**
 * The whole document.
 *
 * @param css,script inserted unchanged
 * @param steering dialog and script for actions; needs the token
 */
export function pageDocument(
  template: PageTemplate,
  { time, backends, directory, version }: StatusReport,
  css: string,
  script: string,
  steering?: { readonly dialog: Html; readonly script: string },
): string {
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <title>${titleOf(backends)}</title>
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <link rel="icon" href="data:," />
        ${raw('style', css)}
      </head>
      <body>
        <div class="bar">
          <h1>zope-failover</h1>
          <p class="dim"><code>${directory}</code> · version ${version}</p>
          <p id="live" role="status">as of ${timeElement(time)}</p>
        </div>
        <main id="${root}">${{ html: fill(template) }}</main>
        ${raw('script', script)}
        ${steering === undefined ? nothing : [steering.dialog, raw('script', steering.script, ' type="module"')]}
      </body>
    </html> `.html
}

/** Unchanged to the byte: the Content-Security-Policy contains its hash. */
function raw(
  element: 'style' | 'script',
  source: string,
  attributes = '',
): Html {
  return { html: `<${element}${attributes}>${source}</${element}>` }
}

/** The title of the browser tab. */
export function titleOf(backends: readonly BackendStatus[]): string {
  const bad = backends.filter(({ state }) => toneOf(state) === 'bad').length
  return `${bad === 0 ? '' : `${bad} down - `}zope-failover`
}

function verdictIn(report: StatusReport, concerns: readonly Concern[]): Html {
  const { tone, text } = verdictOf(report, concerns)
  return html`<span class="${tone}"
    ><i aria-hidden="true">${glyphs[tone]}</i> ${text}</span
  >`
}

function countsOf({ backends }: StatusReport): Html {
  const counts = counted(backends.map(({ state }) => state))
  const byHand = backends.filter(({ admin }) => admin.length > 0).length
  return html`${backends.length}
  ${backends.length === 1 ? 'backend' : 'backends'}:
  ${counts.map(([state, count]) => html`<span class="count ${toneOf(state)}">${count} ${state}</span> `)}${byHand === 0 ? nothing : html`<span class="count note">${byHand} set by hand</span>`}`
}

/** A directory full of stray files must not bury the backends. */
const mostConcerns = 20

function concernList(concerns: readonly Concern[]): Html {
  if (concerns.length === 0) return nothing
  const more = concerns.length - mostConcerns
  const isWrong = concerns.some(({ tone }) => tone !== 'note')
  return html`<h2>${isWrong ? 'What is wrong' : 'Recommended'}</h2>
    <ul class="concerns">
      ${concerns.slice(0, mostConcerns).map(concern => concernItem(concern))}${more > 0 ? html`<li>and ${more} more: zope-failover status</li>` : nothing}
    </ul>`
}

function concernItem(concern: Concern): Html {
  const { tone, subjects, state, since, reason, remedy } = concern
  return html`<li class="${tone}">
    <i aria-hidden="true">${glyphs[tone]}</i>
    ${subjects.length === 0 ? nothing : html`<p class="subject"><b>${subjects.slice(0, mostNamed).join(', ')}</b> ${moreThan(subjects.length)} ${state} ${since === null ? nothing : timeElement(since, 'since')}</p>`}
    <p class="cause">${reason}</p>
    ${remedy === '' ? nothing : html`<p class="remedy">${typed(remedy)}</p>`}
  </li>`
}

/** Text in backquotes is a command to type. */
function typed(text: string): Html[] {
  return text
    .split('`')
    .map((part, index) =>
      index % 2 === 0 ? html`${part}` : html`<code>${part}</code>`,
    )
}

function poolsOf({ pools }: StatusReport): Html {
  return html`<h2>Pools</h2>
    <ul class="cards">
      ${pools.map(
        ({ name, policy, newcomers, members }) =>
          html`<li class="card${newcomers.length === 0 ? ' bad' : ''}">
            <h3>${name} <span class="dim">${policy}</span></h3>
            <p>
              ${newcomers.length === 0 ? html`<b class="none">NO BACKEND can serve</b>` : html`new visitors go to ${newcomers.slice(0, mostNamed).map(one => html`<span class="target">${one}</span> `)}${moreThan(newcomers.length)}`}
            </p>
            <p class="dim standings">
              ${memberPicture(members)} ${standingsOf(members)}
            </p>
          </li>`,
      )}
    </ul>`
}

const standingTones = {
  maint: 'note',
  drain: 'note',
  force: 'good',
  up: 'good',
  'last-resort': 'warn',
  unknown: 'warn',
  down: 'bad',
  'presumed-down': 'bad',
} as const

const mostDrawn = 64
const barWidth = 9
const tierGap = 8

/** A bar for each member, tier by tier; the words below it say the same. */
function memberPicture(members: PoolStatus['members']): Html {
  let x = 0
  let tier = members[0]?.tier
  const bars = members.slice(0, mostDrawn).map(member => {
    if (member.tier !== tier) x += tierGap
    tier = member.tier
    x += barWidth
    return html`<path
      class="${standingTones[member.standing]}"
      d="M${x - barWidth} ${barY[standingTones[member.standing]]}h${barWidth - 2}"
    ></path>`
  })
  return html`<svg
    class="members"
    aria-hidden="true"
    width="${x}"
    height="16"
    viewBox="0 0 ${x} 16"
  >
    ${bars}
  </svg>`
}

/** The middle of a bar; the style sets its height. */
const barY = { good: 12, note: 13, warn: 10, bad: 8 }

/** For a large pool the page names some backends and counts the rest. */
const mostNamed = 8

function moreThan(count: number): Html {
  return count > mostNamed
    ? html`<span class="dim">and ${count - mostNamed} more</span>`
    : nothing
}

function standingsOf(
  members: StatusReport['pools'][number]['members'],
): string {
  return counted(members.map(({ standing }) => standing))
    .map(([standing, count]) => `${count} ${standing}`)
    .join(', ')
}

/** Each word with its number of occurrences, in order of first appearance. */
function counted(words: readonly string[]): [string, number][] {
  const counts = new Map<string, number>()
  for (const word of words) counts.set(word, (counts.get(word) ?? 0) + 1)
  return [...counts]
}

const programTones = {
  alive: '',
  silent: 'bad',
  dead: 'bad',
  'never-seen': 'warn',
}

const clusterKinds = {
  good: 'alive',
  warn: 'never-seen',
  bad: 'dead',
} as const

function programsOf(report: StatusReport): Html {
  const { monitor, mapSeen } = report
  const lines = [
    { kind: monitor.kind, words: html`${programText('monitor', monitor)}` },
    ...readersOf(report).map(({ name, seen, counts }) => ({
      kind: seen.kind,
      words: html`${programText(name, seen)}
      ${counts.length === 0 ? nothing : html`<span class="dim">${counts.join(', ')}</span>`}`,
    })),
    ...(mapSeen === undefined
      ? []
      : [
          {
            kind: seenKind(mapSeen.state),
            words: html`map program seen through httpd: ${mapSeen.state}
            ${timeElement(mapSeen.since, 'since')}, ${mapSeen.reason}`,
          },
        ]),
    ...(report.cluster === undefined
      ? []
      : clusterList(report.cluster).map(({ text, tone }) => ({
          kind: clusterKinds[tone],
          words: html`${text}`,
        }))),
  ]
  return html`<ul class="programs">
    ${lines.map(
      ({ kind, words }) =>
        html`<li class="${programTones[kind]}">${words}</li>`,
    )}
  </ul>`
}

function eventsOf(events: readonly StatusEvent[]): Html {
  if (events.length === 0)
    return html`<h2>Events</h2>
      <p class="dim">no events yet</p>`
  return html`<table class="events" role="table">
    <caption>
      Events
    </caption>
    <thead role="rowgroup">
      <tr role="row">
        <th role="columnheader" scope="col" class="e-when">When</th>
        <th role="columnheader" scope="col" class="e-subject">Subject</th>
        <th role="columnheader" scope="col">What</th>
      </tr>
    </thead>
    <tbody role="rowgroup">
      ${events.map(
        ({ at, tone, subject, text }) =>
          html`<tr role="row" class="${tone}">
            <td role="cell" class="e-when">${timeElement(at)}</td>
            <td role="cell" class="e-subject"><b>${subject}</b></td>
            <td role="cell" class="e-what">${text}</td>
          </tr> `,
      )}
    </tbody>
  </table>`
}
