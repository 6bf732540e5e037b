// What httpd prints about itself (-V, -l and -t -D DUMP_…), as values. Pure.

export type Build = {
  /** `2.4.71`; undefined: not the output of an httpd */
  readonly version: string | undefined
  /** HTTPD_ROOT */
  readonly root: string
  /** SERVER_CONFIG_FILE, absolute */
  readonly confFile: string
}

export type Dump = {
  readonly modules: readonly string[]
  readonly files: readonly string[]
  /** of the virtual hosts, as `FILE:LINE` */
  readonly hosts: readonly string[]
  readonly errorLog: string | undefined
  readonly pidFile: string | undefined
  readonly user: string | undefined
  /** `NAME` or `NAME=VALUE`, including those of the command line */
  readonly defines: readonly string[]
  /** mechanism of the mutex `rewrite-map` */
  readonly mapMutex: string | undefined
}

/** The output of `httpd -V`. */
export function parseBuild(text: string): Build {
  const root = value(text, /-D HTTPD_ROOT="([^"]*)"/) ?? '/'
  const file = value(text, /-D SERVER_CONFIG_FILE="([^"]*)"/) ?? ''
  return {
    version: value(text, /^Server version: \S+?\/(\d+\.\d+\.\d+)/m),
    root,
    confFile: file.startsWith('/') ? file : `${root}/${file}`,
  }
}

/** The output of `httpd -l`: modules that need no LoadModule. */
export function parseCompiledIn(text: string): string[] {
  return [...text.matchAll(/^\s+(\S+\.c)$/gm)].map(([, name = '']) => name)
}

/** The output of `httpd -t` with all the dumps asked for at once. */
export function parseDump(text: string): Dump {
  const all = (pattern: RegExp): string[] =>
    [...text.matchAll(pattern)].map(([, found = '']) => found)
  return {
    modules: all(/^ (\w+_module) \((?:static|shared)\)$/gm),
    files: all(/^ +\((?:\*|\d+)\) (.+)$/gm),
    hosts: [...new Set(all(/ \((\/[^()]*:\d+)\)$/gm))],
    errorLog: value(text, /^Main ErrorLog: "(.*)"$/m),
    pidFile: value(text, /^PidFile: "(.*)"$/m),
    defines: all(/^Define: (.+)$/gm),
    user: value(text, /^User: name="([^"]*)"/m),
    mapMutex: value(text, /^Mutex rewrite-map:.* mechanism=(\S+)/m),
  }
}

function value(text: string, pattern: RegExp): string | undefined {
  return pattern.exec(text)?.[1]
}
