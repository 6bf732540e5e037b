// What stands in a site and can never be reached, because a rule takes the
// request before. The phases were tried on httpd 2.4.71 (test/system/httpd/reach.test.ts).
// Pure.
import type { HttpdFacts, System } from '../facts.ts'
import { locationOf } from '../finding.ts'
import type { Finding, Severity } from '../finding.ts'
import type { Directive } from '../httpd-conf.ts'
import { anyPath, fateOf, pathFor, rulesInOrder } from '../reach.ts'
import { matches, serversOf, setting } from '../servers.ts'
import type { Rule, Server } from '../servers.ts'

/** A server whose rules take requests for a backend pool. */
export type Site = {
  readonly server: Server
  readonly rules: readonly Rule[]
  readonly httpd: HttpdFacts
}

/** The virtual hosts that one of our rules serves, as `sitesOf` finds them. */
export function sitesOf(httpd: HttpdFacts): Site[] {
  const servers = serversOf(httpd.conf)
  const made = new Set(httpd.generated.map(({ file }) => file))
  return servers.flatMap(server => {
    const rules = rulesInOrder(server, servers[0])
    return rules.some(({ directive }) => made.has(directive.file))
      ? [{ server, rules, httpd }]
      : []
  })
}

export function reachFindings(httpd: HttpdFacts, system: System): Finding[] {
  const [main] = serversOf(httpd.conf)
  const sites = sitesOf(httpd)
  return finished(httpd, [
    ...sites.flatMap(site => [
      ...laterRules(site).map(whole),
      ...site.server.directives.flatMap(directive =>
        mappingFindings(site, directive),
      ),
      ...site.server.directives
        .flatMap(directive => accessFindings(site, directive))
        .map(whole),
      ...fileFindings(site, main, system),
    ]),
    ...inherited(sites, main),
  ])
}

/** A finding whose remedy is to make the generated file once more. */
type Draft = {
  readonly finding: Finding
  /** the file and the path it must leave alone; undefined: the remedy stands */
  readonly exclude: { readonly file: string; readonly path: string } | undefined
}

function whole(finding: Finding): Draft {
  return { finding, exclude: undefined }
}

/** One command leaves out all of a file's paths: the last one typed counts. */
function finished(
  { generated, reload }: HttpdFacts,
  drafts: readonly Draft[],
): Finding[] {
  return drafts.map(({ finding, exclude }) => {
    const made = generated.find(({ file }) => file === exclude?.file)
    if (made === undefined) return finding
    const paths = new Set(
      drafts.flatMap(other =>
        other.exclude?.file === made.file ? other.exclude.path : [],
      ),
    )
    const options = [...paths].map(path => ` --exclude ${path}`).join('')
    return {
      ...finding,
      remedy: `${made.command}${options} --output ${made.file}\nand reload: ${reload}`,
    }
  })
}

/** The generated rule that takes this path; undefined: none, or not for sure. */
function takenBy({ rules, httpd }: Site, path: string): Rule | undefined {
  const fate = fateOf(rules, path)
  return fate.kind === 'taken' && isMade(httpd, fate.rule)
    ? fate.rule
    : undefined
}

function isMade({ generated }: HttpdFacts, { directive }: Rule): boolean {
  return generated.some(({ file }) => file === directive.file)
}

/** Rules that stand behind the one that ends every request they could match. */
function laterRules(site: Site): Finding[] {
  const { rules, server, httpd } = site
  return rules.flatMap((rule, index): Finding[] => {
    if (isMade(httpd, rule)) return []
    const path = pathFor(rule.pattern) ?? anyPath
    const fate = fateOf(rules, path)
    if (fate.kind !== 'taken' && fate.kind !== 'left') return []
    if (fate.index >= index || !isMade(httpd, fate.rule)) return []
    const isInherited = !server.own.includes(rule.directive)
    // rules of the server that this host was never meant to have
    if (isInherited && !isHandedDown(httpd)) return []
    const isToHttps =
      /^https:\/\//i.test(rule.substitution) &&
      matches(rule.pattern, anyPath) === true
    return [
      {
        code: 'rule-unreached',
        severity: isToHttps ? 'error' : 'warning',
        what: `this RewriteRule of ${server.name} is never reached: ${locationOf(fate.rule.directive)} ends every request it could match before`,
        why: isToHttps
          ? 'visitors are not redirected to https; the site is served over http'
          : 'the rules that zope-failover made take every request, and rules count in their order',
        remedy: isInherited
          ? 'move the rule into this virtual host, before the line that includes the generated file'
          : `move the rule, with its RewriteCond lines, before the line that includes ${fate.rule.directive.file}`,
        where: locationOf(rule.directive),
      },
    ]
  })
}

function isHandedDown({ conf }: HttpdFacts): boolean {
  const [main] = serversOf(conf)
  return main.own.some(
    ({ name, args }) =>
      name === 'rewriteoptions' &&
      args.some(arg => /^InheritDown(?:Before)?$/i.test(arg)),
  )
}

type Mapping = {
  /** how it is named to the reader: a path or a regular expression */
  readonly text: string
  /** a request it is for */
  readonly path: string
  readonly isPattern: boolean
}

const statusWord = /^(?:permanent|temp|seeother|gone|\d{3})$/i

type Kind = 'path' | 'pattern' | 'all'

/** What maps paths, and which of its arguments is the path. */
const mappers: readonly (readonly [string, Kind])[] = [
  ['Redirect', 'path'],
  ['RedirectPermanent', 'path'],
  ['RedirectTemp', 'path'],
  ['RedirectMatch', 'pattern'],
  ['Alias', 'path'],
  ['AliasMatch', 'pattern'],
  ['ScriptAlias', 'path'],
  ['ScriptAliasMatch', 'pattern'],
  ['ProxyPass', 'path'],
  ['ProxyPassMatch', 'pattern'],
  ['WSGIScriptAlias', 'path'],
  ['WSGIScriptAliasMatch', 'pattern'],
  ['JkMount', 'path'],
  ['JkUnMount', 'path'],
  ['UserDir', 'all'],
  ['VirtualDocumentRoot', 'all'],
  ['VirtualDocumentRootIP', 'all'],
  ['VirtualScriptAlias', 'all'],
  ['VirtualScriptAliasIP', 'all'],
  ['FallbackResource', 'all'],
  ['SetHandler', 'all'],
  ['Dav', 'all'],
]
const mapped = new Map(
  mappers.map(([name, kind]) => [name.toLowerCase(), { name, kind }]),
)

/** What a directive maps; undefined: nothing, or what rules do not take away. */
function mappingOf({ name, args, sections }: Directive): Mapping | undefined {
  const kind = mapped.get(name)?.kind
  if (kind === undefined) return undefined
  const inner = sections.findLast(
    section => !['virtualhost', 'if'].includes(section.name),
  )
  const isLocation =
    inner?.name === 'location' || inner?.name === 'locationmatch'
  if (name === 'sethandler' && isForFiles(sections) && inner !== undefined)
    return isNoHandler(args) ? undefined : filesMapping(inner)
  if (
    (inner !== undefined && !isLocation) ||
    // what an <If> asks for, only httpd knows
    sections.some(section => section.name === 'if')
  )
    return undefined
  const [first = ''] = args
  const [given = ''] = args.filter(arg => !statusWord.test(arg))
  switch (name) {
    case 'redirect':
    case 'redirectmatch':
    case 'redirectpermanent':
    case 'redirecttemp':
      // in a <Location> it works later, in the fixups
      if (isLocation) return undefined
      break
    case 'proxypass':
    case 'proxypassmatch':
      // these are mapped before the rules (pre_translate_name) …
      if (args.some(arg => /^mapping=/i.test(arg)) && !args.includes('!'))
        return undefined
      break
    case 'sethandler':
      if (!isLocation || isNoHandler(args)) return undefined
      break
    case 'dav':
      if (!isLocation || /^off$/i.test(first)) return undefined
      break
    case 'userdir':
      if (/^disabled$/i.test(first)) return undefined
      return { text: '^/~', path: '/~user/', isPattern: true }
    case 'fallbackresource':
      if (/^disabled$/i.test(first)) return undefined
      break
  }
  if (inner !== undefined) {
    const [one = '', two = ''] = inner.args
    return one === '~'
      ? patternMapping(two)
      : inner.name === 'locationmatch'
        ? patternMapping(one)
        : pathMapping(one)
  }
  if (kind === 'all') return { text: '/', path: anyPath, isPattern: false }
  return kind === 'pattern' ? patternMapping(given) : pathMapping(given)
}

function isNoHandler([first = '']: readonly string[]): boolean {
  return /^(?:none|default-handler)$/i.test(first)
}

/** In a section for file names, as PHP's, and in no <Directory>. */
function isForFiles(sections: Directive['sections']): boolean {
  const names = sections.map(({ name }) => name)
  return (
    names.some(name => name === 'files' || name === 'filesmatch') &&
    names.every(name =>
      ['virtualhost', 'files', 'filesmatch', 'if'].includes(name),
    )
  )
}

/** These sections see the last part of a path; a pattern here sees the whole. */
function filesMapping({
  name,
  args,
}: Directive['sections'][number]): Mapping | undefined {
  const [one = '', two = ''] = args
  const pattern = one === '~' ? two : one
  if (pattern === '') return undefined
  return patternMapping(
    name === 'filesmatch' || one === '~'
      ? pattern.replace(/^\^/, '/')
      : `/${pattern
          .replaceAll(/[^\w/*?-]/g, '\\$&')
          .replaceAll('*', '[^/]*')
          .replaceAll('?', '[^/]')}$`,
  )
}

function patternMapping(pattern: string): Mapping | undefined {
  const path = pathFor(pattern)
  return path === undefined
    ? undefined
    : { text: pattern, path, isPattern: true }
}

/** JkMount and `<Location>` know wildcards at the end. */
function pathMapping(text: string): Mapping | undefined {
  const path = text.replace(/[|*].*$/, '')
  return path.startsWith('/')
    ? { text: path, path, isPattern: false }
    : undefined
}

function mappingFindings(site: Site, directive: Directive): Draft[] {
  const mapping = mappingOf(directive)
  if (mapping === undefined) return []
  const rule = takenBy(site, mapping.path)
  return rule === undefined
    ? []
    : [unreached(directive, mapping, rule, site.server.name, false)]
}

function unreached(
  directive: Directive,
  mapping: Mapping,
  rule: Rule,
  names: string,
  isInherited: boolean,
): Draft {
  const { text } = mapping
  const isAll = text === '/' || mapping.path === anyPath
  const isToHttps =
    isAll && directive.args.some(arg => /^https:\/\//i.test(arg))
  const severity: Severity = isToHttps
    ? 'error'
    : isInherited && !text.includes('well-known')
      ? 'info'
      : 'warning'
  const { remedy, exclude } = keepOut(mapping, rule)
  return {
    finding: {
      code: 'path-unreached',
      severity,
      what: `${nameOf(directive)} ${text} has no effect in ${names}: ${locationOf(rule.directive)} takes every request for it before`,
      why: isToHttps
        ? 'visitors are not redirected to https; the site is served over http'
        : directive.args.includes('!')
          ? `${text} is meant to be served here, by a login module for example, and goes to a backend`
          : `mod_rewrite comes before all that maps paths, so ${text} goes to a backend`,
      remedy: isToHttps
        ? 'take the Include out of this virtual host, or write before it: RewriteRule "^" "https://%{SERVER_NAME}%{REQUEST_URI}" [R=301,END,NE]'
        : isAll
          ? 'take it away, or take the Include out of this virtual host'
          : remedy,
      where: locationOf(directive),
    },
    exclude: isAll ? undefined : exclude,
  }
}

/** How a path is kept from the rules. */
function keepOut(
  { text, isPattern }: Mapping,
  { directive: { file } }: Rule,
): Pick<Draft, 'exclude'> & { readonly remedy: string } {
  const pattern = isPattern ? text : `^${text.replaceAll(/[^\w/-]/g, '\\$&')}`
  // what --exclude takes
  const isPlain = !isPattern && /^\/[\w.~-][\w.~/-]*$/.test(text)
  return {
    remedy: `write before the line that includes ${file}: RewriteRule "${pattern}" "-" [END]`,
    exclude: isPlain ? { file, path: text.replace(/\/+$/, '') } : undefined,
  }
}

function nameOf({ name, args }: Directive): string {
  const isOff = args.includes('!')
  return `${mapped.get(name)?.name}${isOff ? ' … !' : ''} for`
}

/** What the main server has, every virtual host inherits: once for all of them. */
function inherited(sites: readonly Site[], main: Server): Draft[] {
  const hosts = sites.filter(({ server }) => !server.isMain)
  return main.directives.flatMap(directive => {
    const mapping = mappingOf(directive)
    // httpd's own, for its listings of directories
    if (mapping === undefined || /^\/(?:icons|error)\//.test(mapping.text))
      return []
    const taken = hosts.flatMap(site => {
      const rule = takenBy(site, mapping.path)
      return rule === undefined ? [] : [{ name: site.server.name, rule }]
    })
    const [first] = taken
    if (first === undefined) return []
    const names = taken.map(({ name }) => name).join(', ')
    return [unreached(directive, mapping, first.rule, names, true)]
  })
}

/** Sections that httpd looks at only for files of its own, as one writes them. */
const walked = new Map([
  ['directory', 'Directory'],
  ['directorymatch', 'DirectoryMatch'],
  ['files', 'Files'],
  ['filesmatch', 'FilesMatch'],
])

/** No directory is walked for what is proxied: what stands there protects nothing. */
function accessFindings(site: Site, directive: Directive): Finding[] {
  const inner = directive.sections.find(({ name }) => walked.has(name))
  const isClosed =
    ['authtype', 'allow', 'deny', 'authname'].includes(directive.name) ||
    (directive.name === 'require' &&
      directive.args.join(' ').toLowerCase() !== 'all granted')
  const isRule = directive.name === 'rewriterule'
  if (inner === undefined || !(isClosed || isRule)) return []
  const isDenied = /^(?:require all denied|deny from all)$/i.test(
    [directive.name, ...directive.args].join(' '),
  )
  // the usual lock on the file system, which is not about the site
  if (isDenied && inner.args.join(' ') === '/') return []
  const rule = takenBy(site, anyPath)
  if (rule === undefined) return []
  const head = `<${walked.get(inner.name)} ${inner.args.join(' ')}>`
  return [
    isRule
      ? {
          code: 'rule-unreached',
          severity: 'warning',
          what: `this RewriteRule in ${head} is never reached in ${site.server.name}`,
          why: 'requests go to a backend before httpd looks at directories, and .htaccess files are not read either',
          remedy: `move it out of the section, before the line that includes ${rule.directive.file}`,
          where: locationOf(directive),
        }
      : {
          code: 'access-unreached',
          severity: inner.name.startsWith('directory')
            ? 'error'
            : isDenied
              ? 'info'
              : 'warning',
          what: `what ${head} demands is not asked in ${site.server.name}`,
          why: 'requests go to a backend before httpd looks at directories and files: pages that look closed here are open',
          remedy: 'write it in a <Location "/"> or <Location "/path"> instead',
          where: locationOf(directive),
        },
  ]
}

/** Files that a site is meant to serve from its DocumentRoot. */
function fileFindings(site: Site, main: Server, system: System): Draft[] {
  const { server } = site
  const own = setting(server, 'documentroot')
  const root = (own ?? setting(main, 'documentroot'))?.[0]?.replace(/\/+$/, '')
  if (root === undefined || root === '') return []
  return ['/.well-known', '/favicon.ico', '/robots.txt'].flatMap(
    (path): Draft[] => {
      const isWellKnown = path === '/.well-known'
      const { kind } = system.path(`${root}${path}`)
      if (kind !== (isWellKnown ? 'directory' : 'file')) return []
      const sample = isWellKnown ? `${path}/acme-challenge/x` : path
      const rule = takenBy(site, sample)
      if (rule === undefined || (own === undefined && !isWellKnown)) return []
      const { remedy, exclude } = keepOut(
        { text: path, path, isPattern: false },
        rule,
      )
      const finding: Finding = {
        code: 'files-unreached',
        severity: isWellKnown ? 'warning' : 'info',
        what: `${root}${path} is there, and ${server.name} sends ${path} to a backend`,
        why: isWellKnown
          ? 'a certificate cannot be renewed by files there (certbot --webroot)'
          : 'visitors get what Zope has under that name',
        remedy,
        where: server.place === undefined ? null : locationOf(server.place),
      }
      return [{ finding, exclude }]
    },
  )
}

/** Whether the rules take the requests that nothing else names. */
export function isServed(site: Site): boolean {
  return takenBy(site, anyPath) !== undefined
}
