// The status page: a complete document without its script; the script only keeps
// it up to date. Pure.
import type { ProbeRecord } from '../sentinels/reports.ts'
import { backendTable } from './backends.ts'
import { toneOf } from './events.ts'
import type { StatusEvent } from './events.ts'
import { html, nothing } from './html.ts'
import type { Html } from './html.ts'
import { timeElement } from './time-element.ts'
import { clusterList } from '../status/cluster.ts'
import type { BackendStatus, StatusReport } from '../status/report.ts'
import { Fragments, fill } from './page-template.ts'
import type { PageTemplate } from './page-template.ts'
import {
  reportNotices,
  reportProblems,
  programText,
  readersOf,
  rowsOf,
  seenKind,
  staleVerdicts,
} from '../status/print.ts'

/** The element that contains the whole page. */
export const root = 'page'

/**
 * @param probes by backend
 * @param events newest first
 */
export function pageTemplate(
  report: StatusReport,
  probes: ReadonlyMap<string, readonly ProbeRecord[]>,
  events: readonly StatusEvent[],
): PageTemplate {
  const fragments = new Fragments()
  return fragments.template(
    html`<header id="summary">
        ${fragments.cell('summary', summaryOf(report))}
      </header>
      <section id="pools" aria-label="Pools">
        ${fragments.cell('pools', poolsOf(report))}
      </section>
      <section id="programs" aria-label="Programs">
        ${fragments.cell('programs', programsOf(report))}
      </section>
      <section id="problems" aria-label="Problems">
        ${fragments.cell('problems', problemsOf(report))}
      </section>
      <section id="backends" aria-label="Backends">
        <label class="filter"
          ><input type="checkbox" id="only" /> only unhealthy</label
        >
        ${backendTable(rowsOf(report), probes, fragments)}
      </section>
      <section id="events" aria-label="Events">
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
  { time, backends }: StatusReport,
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
        <p id="live" role="status">as of ${timeElement(time)}</p>
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

function summaryOf({ backends, version, directory }: StatusReport): Html {
  const counts = counted(backends.map(({ state }) => state))
  const drained = backends.filter(({ admin }) => admin.length > 0).length
  return html`<h1>zope-failover</h1>
    <p class="counts">
      ${backends.length} ${backends.length === 1 ? 'backend' : 'backends'}:
      ${counts.map(([state, count]) => html`<span class="count ${toneOf(state)}">${count} ${state}</span> `)}${drained === 0 ? nothing : html`<span class="count note">${drained} set by hand</span>`}
    </p>
    <p class="dim place"><code>${directory}</code> · version ${version}</p>`
}

function poolsOf({ pools }: StatusReport): Html {
  return html`<ul class="cards">
    ${pools.map(
      ({ name, policy, newcomers, members }) =>
        html`<li class="card${newcomers.length === 0 ? ' bad' : ''}">
          <h2>${name} <span class="dim">${policy}</span></h2>
          <p>
            ${newcomers.length === 0 ? html`<b class="none">NO BACKEND can serve</b>` : html`new visitors go to ${newcomers.slice(0, mostNamed).map(one => html`<span class="target">${one}</span> `)}${moreThan(newcomers.length)}`}
          </p>
          <p class="dim">${standingsOf(members)}</p>
        </li>`,
    )}
  </ul>`
}

/** For a large pool the page names some backends and counts the rest. */
const mostNamed = 12

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
  const { monitor, mapSeen, verdictsCount } = report
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
            words: html`map program seen through httpd: ${mapSeen.state} since
            ${timeElement(mapSeen.since)}, ${mapSeen.reason}`,
          },
        ]),
    ...(report.cluster === undefined
      ? []
      : clusterList(report.cluster).map(({ text, tone }) => ({
          kind: clusterKinds[tone],
          words: html`${text}`,
        }))),
    ...reportNotices(report).map(text => ({
      kind: 'never-seen' as const,
      words: html`${text}`,
    })),
    ...(verdictsCount
      ? []
      : [{ kind: 'dead' as const, words: html`${staleVerdicts}` }]),
  ]
  return html`<ul class="programs">
    ${lines.map(
      ({ kind, words }) =>
        html`<li class="${programTones[kind]}">${words}</li>`,
    )}
  </ul>`
}

/** A directory full of stray files must not bury the backends. */
const mostProblems = 20

function problemsOf(report: StatusReport): Html {
  const all = reportProblems(report)
  if (all.length === 0) return nothing
  const more = all.length - mostProblems
  return html`<h2>Problems</h2>
    <ul>
      ${all.slice(0, mostProblems).map(problem => html`<li>${problem}</li>`)}${more > 0 ? html`<li>and ${more} more: zope-failover status</li>` : nothing}
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
        <th role="columnheader" scope="col">When</th>
        <th role="columnheader" scope="col">Subject</th>
        <th role="columnheader" scope="col">What</th>
      </tr>
    </thead>
    <tbody role="rowgroup">
      ${events.map(
        ({ at, tone, subject, text }) =>
          html`<tr role="row" class="${tone}">
            <td role="cell">${timeElement(at)}</td>
            <td role="cell"><b>${subject}</b></td>
            <td role="cell">${text}</td>
          </tr> `,
      )}
    </tbody>
  </table>`
}
