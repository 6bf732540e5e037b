// Visitors and an editor of a Plone site, who read and write without a break.
import { setTimeout as pause } from 'node:timers/promises'
import { editor } from './plone.ts'

type People = {
  /** all pages they got, in ms */
  readonly ms: readonly number[]
  /** what was no page, each as one sentence */
  readonly bad: readonly string[]
}

const pages = [
  '/Plone',
  '/Plone/news',
  '/Plone/events',
  '/Plone/sitemap',
  '/Plone/search?SearchableText=bench',
  '/Plone/contact-info',
]

/** @param front the address of httpd, without a slash at its end */
export async function browse(
  front: string,
  visitors: number,
  seconds: number,
): Promise<People> {
  const endMs = performance.now() + seconds * 1_000
  const ms: number[] = []
  const bad: string[] = []
  const get = async (
    path: string,
    init: RequestInit = {},
  ): Promise<Response | undefined> => {
    const begun = performance.now()
    try {
      const answer = await fetch(front + path, init)
      await answer.arrayBuffer()
      if (answer.ok) ms.push(performance.now() - begun)
      else bad.push(`${init.method ?? 'GET'} ${path}: ${answer.status}`)
      return answer
    } catch (err) {
      bad.push(`${init.method ?? 'GET'} ${path}: ${String(err)}`)
      return undefined
    }
  }
  const visit = async (visitor: number): Promise<void> => {
    for (let page = visitor; performance.now() < endMs; page++) {
      await get(pages[page % pages.length] ?? '/Plone')
      await pause(400)
    }
  }
  const edit = async (): Promise<void> => {
    const login = `${editor.name}:${editor.password}`
    const headers = {
      authorization: `Basic ${Buffer.from(login).toString('base64')}`,
      accept: 'application/json',
      'content-type': 'application/json',
    }
    const made = await get('/Plone', {
      method: 'POST',
      headers,
      body: JSON.stringify({
        '@type': 'Document',
        id: 'bench',
        title: 'Bench',
      }),
    })
    if (made === undefined) return
    for (let save = 0; performance.now() < endMs; save++) {
      await get('/Plone/bench/edit', {
        headers: { authorization: headers.authorization },
      })
      await pause(400)
      // the form has locked it, also for its own editor
      await get('/Plone/bench/@lock', { method: 'DELETE', headers })
      await get('/Plone/bench', {
        method: 'PATCH',
        headers,
        body: JSON.stringify({ description: `saved ${save} times` }),
      })
      await pause(500)
    }
  }
  await Promise.all([
    ...Array.from({ length: visitors }, (_none, visitor) => visit(visitor)),
    edit(),
  ])
  return { ms, bad }
}
