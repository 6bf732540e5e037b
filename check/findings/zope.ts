// Does the site that `--site` names exist? Pure.
import type { Backend, Config } from '../../config/config.ts'
import type { HttpdFacts } from '../facts.ts'
import type { Finding } from '../finding.ts'
import { commandWords } from './generated.ts'

export type SiteQuestion = {
  /** the generated file */
  readonly file: string
  readonly command: string
  /** of `--site`; empty: Zope's root */
  readonly site: string
  readonly path: string
  readonly backends: readonly Backend[]
}

export type SiteAnswer = { readonly backend: string; readonly status: number }

/** One question for each generated file that sends requests to a site. */
export function questionsForSite(
  { generated }: HttpdFacts,
  { backends, pools }: Config,
): SiteQuestion[] {
  return generated.flatMap(({ file, command }) => {
    const words = commandWords(command)
    const option = (name: string): string | undefined => {
      const at = words.indexOf(name)
      return at === -1
        ? words
            .find(word => word.startsWith(`${name}=`))
            ?.slice(name.length + 1)
        : words[at + 1]
    }
    if (words.includes('--no-vhm') || option('--part') === 'server') return []
    const site = option('--site') ?? ''
    const name = option('--pool') ?? 'default'
    const pool = pools.find(one => one.name === name) ?? pools[0]
    return [
      {
        file,
        command,
        site,
        path: `/VirtualHostBase/http/localhost:80${site}/VirtualHostRoot/`,
        backends: backends.filter(backend =>
          pool?.members.some(member => member.name === backend.name),
        ),
      },
    ]
  })
}

/** @param answer undefined: no backend answered, which other findings report */
export function missingSite(
  { file, command, site, path }: SiteQuestion,
  answer: SiteAnswer | undefined,
): Finding[] {
  if (answer?.status !== 404) return []
  return [
    {
      code: 'site-missing',
      severity: 'error',
      what:
        site === ''
          ? `${answer.backend} answers 404 for the site's front page (${path})`
          : `${answer.backend} has no site ${site}: it answers 404 for ${path}`,
      why: 'every visitor gets that 404',
      remedy:
        site === ''
          ? 'name the site: apache-conf --site /Plone; or check that Zope has a VirtualHostMonster (/virtual_hosting)'
          : `name the right one: ${command} with another --site, --output ${file}; or check that Zope has a VirtualHostMonster (/virtual_hosting)`,
      where: file,
    },
  ]
}
