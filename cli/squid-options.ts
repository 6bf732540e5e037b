// Options that the commands for Squid share.
import { Option } from 'commander'

const collect = (value: string, before: string[]) => [...before, value]

/** `--site [POOL=]PATH`, see squid/site.ts. */
export function siteOption(leftOut: string): Option {
  return new Option(
    '--site <[pool=]path>',
    'the site inside Zope, such as /Plone: also rewrites the URL for VirtualHostMonster; repeatable, one per pool: www=/Plone',
  )
    .argParser(collect)
    .default([], leftOut)
}

/** `--url [POOL=]URL`, see squid/site.ts. */
export function urlOption(leftOut: string): Option {
  return new Option(
    '--url <[pool=]url>',
    'the URL that visitors type, such as https://www.example.org; repeatable, one per pool',
  )
    .argParser(collect)
    .default([], leftOut)
}
