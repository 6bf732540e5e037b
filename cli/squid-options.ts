// Options that the commands for Squid share.
import { Option } from 'commander'

const collect = (value: string, before: string[]) => [...before, value]

/** `--site [POOL=]PATH`, see squid/site.ts. */
export function siteOption(leftOut: string): Option {
  return new Option(
    '--site <[pool=]path>',
    'the site inside Zope, such as /Plone: also rewrite the URL for VirtualHostMonster; repeatable, for one pool each: www=/Plone',
  )
    .argParser(collect)
    .default([], leftOut)
}

/** `--url [POOL=]URL`, see squid/site.ts. */
export function urlOption(leftOut: string): Option {
  return new Option(
    '--url <[pool=]url>',
    'what visitors type, such as https://www.example.org; repeatable, for one pool each',
  )
    .argParser(collect)
    .default([], leftOut)
}
