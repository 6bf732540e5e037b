// Input of the rules: plain facts, and questions about files and users, which
// the gathering code answers. Pure.
import type { Config } from '../config/config.ts'
import type { WeakPoint } from '../system/trusted-path.ts'
import type { ParsedConf } from './httpd-conf.ts'
import type { Dump } from './httpd-dumps.ts'

export type PathFact =
  | {
      readonly kind: 'file' | 'directory' | 'other'
      /** the permission bits */
      readonly mode: number
      readonly uid: number
      readonly gid: number
    }
  | { readonly kind: 'missing' }
  /** this user may not look there */
  | { readonly kind: 'hidden' }

export type User = {
  readonly name: string
  readonly uid: number
  /** all of them */
  readonly gids: readonly number[]
}

export type System = {
  readonly path: (path: string) => PathFact
  /** links followed; the path itself when that cannot be done */
  readonly real: (path: string) => string
  /** the first bytes of a file, latin1; undefined: not to be had */
  readonly head: (path: string) => string | undefined
  /** by name or number; undefined: there is none */
  readonly user: (name: string) => User | undefined
  /** number of a group, by name or number */
  readonly group: (name: string) => number | undefined
}

/** What a map program answered when it was run as httpd would run it. */
export type Trial = {
  /** what was asked, without newlines */
  readonly questions: readonly string[]
  /** all that came on stdout until its end of input */
  readonly output: string
  /** what came after its input had ended */
  readonly late: string
  readonly errors: string
  /** it could not be started at all: the system's words */
  readonly failure: string | undefined
  /** it had gone before its input ended */
  readonly isEarly: boolean
  /** it ended by itself at the end of its input */
  readonly hasEnded: boolean
  /** exit code or signal, for a sentence */
  readonly end: string
  readonly limitMs: number
}

/** What a command of `apache-conf` would make now. */
export type Fresh =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'refused'; readonly why: string }

/** A file that `apache-conf` made, and what it would make now. */
export type GeneratedFile = {
  readonly file: string
  readonly text: string
  /** of its head */
  readonly version: string
  readonly command: string
  /** written after the configuration was last changed */
  readonly isNewer: boolean
  readonly fresh: Fresh
}

export type HttpdFacts = {
  readonly confFile: string
  /** how to type it, for remedies */
  readonly control: string
  /** the command for a graceful restart */
  readonly reload: string
  readonly version: string | undefined
  readonly conf: ParsedConf
  readonly dump: Dump | undefined
  /** what another user can change of what root's httpd reads; httpd was not asked then */
  readonly weak: WeakPoint | undefined
  /** what `-t` said when it refused */
  readonly refusal: string | undefined
  readonly generated: readonly GeneratedFile[]
  /** who starts httpd, and with it the maps */
  readonly starter: User
  readonly isRunning: boolean
  /** a file of its configuration is newer than its last (re)start */
  readonly isReloadDue: boolean
  /** the systemd unit that starts it, `Key=Value` settings by their last word */
  readonly unit:
    | { readonly file: string; readonly settings: ReadonlyMap<string, string> }
    | undefined
}

export type OwnFacts = {
  readonly config: Config
  /** absolute */
  readonly configFile: string
  readonly system: System
}
