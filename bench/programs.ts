// The map programs that are compared. All answer the same lookups, each from
// its own sentinel directory, so that flipping one does not wake the others.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Scratch } from './scratch.ts'
import {
  backends,
  configText,
  makeSentinelDirectory,
  pool,
} from './sentinel-directory.ts'
import { checkout, findProgram, findPython, type CPrograms } from './tools.ts'

export type MapProgram = {
  readonly name: string
  readonly directory: string
  readonly argv: readonly string[]
}

/**
 * A minimal program of an administrator: it checks the files at each lookup.
 */
const perlOneLiner =
  '$|=1;$d=shift;while(<STDIN>){chomp;($n,$p,$r)=split/ /;@u=grep{-e"$d/$_.up"&&!-e"$d/$_.maint"}@ARGV;@o=grep{!-e"$d/$_.drain"}@u;($b)=((grep{$_ eq$r}@u),@o);($x)=grep{$_ ne$b}@o;print"$n ",defined$b?"$b ".($x//"-"):"NULL","\\n"}'

const pythonOneLiner = `
import sys; from os.path import exists as e; d,*a=sys.argv[1:]
for l in sys.stdin: n,p,r,*_=(l[:-1]+" ").split(" "); u=[b for b in a if e(f"{d}/{b}.up") and not e(f"{d}/{b}.maint")]; o=[b for b in u if not e(f"{d}/{b}.drain")]; c=([b for b in u if b==r]+o+["NULL"])[0]; print(n,c,([b for b in o if b!=c]+["-"])[0],flush=True)
`

/** Does nothing: the lower limit of any program on Node. */
const bareNodeLoop = `
const fs = require('node:fs'), b = Buffer.alloc(65536)
for (let n; (n = fs.readSync(0, b, 0, 65536, null)) > 0; )
  fs.writeSync(1, b.latin1Slice(0, b.indexOf(32)) + ' zope2 zope1\\n', null, 'latin1')
`

/**
 * As in Squid's own wiki, with the files in place of its regular expressions.
 */
const perlHelper =
  '$|=1;$d=shift;while(<STDIN>){chomp;($n,$u,$p,$r)=split/ /;@u=grep{-e"$d/$_.up"&&!-e"$d/$_.maint"}@ARGV;@o=grep{!-e"$d/$_.drain"}@u;($b)=((grep{$_ eq$r}@u),@o);($x)=grep{$_ ne$b}@o;print"$n OK backend_=",defined$b?"$b next_=".($x//"-").($b eq$r?"":" bind_=1"):"none","\\n"}'

type MapPrograms = {
  readonly thisMap: MapProgram
  /** undefined without a C compiler */
  readonly cMap: MapProgram | undefined
  /** in addition, for comparison */
  readonly others: readonly MapProgram[]
}

export function mapPrograms(
  scratch: Scratch,
  c: CPrograms | undefined,
): MapPrograms {
  const make = maker(scratch)
  const perl = findProgram('perl')
  const python = findPython()
  const config = join(scratch.path, 'zope-failover.yaml')
  const folder = join(checkout, 'dist/rewritemap')
  return {
    thisMap: make('this map', directory => {
      writeFileSync(config, configText(directory))
      return [
        join(folder, 'launch.sh'),
        process.execPath,
        join(folder, 'main.js'),
        '--config',
        config,
        '--directory',
        directory,
        '--answer',
        'pair',
      ]
    }),
    cMap:
      c && make('C map', directory => [c.map, directory, pool, ...backends]),
    others: [
      ...(perl === undefined
        ? []
        : [
            make('Perl one-liner', directory => [
              perl,
              '-e',
              perlOneLiner,
              directory,
              ...backends,
            ]),
          ]),
      ...(python === undefined
        ? []
        : [
            make('Python one-liner', directory => [
              python,
              '-c',
              pythonOneLiner,
              directory,
              ...backends,
            ]),
          ]),
      make('bare Node loop, constant answer', () => [
        process.execPath,
        '-e',
        bareNodeLoop,
      ]),
    ],
  }
}

/** The helpers of Squid that are compared: this one, then C, then Perl. */
export function squidHelpers(
  scratch: Scratch,
  c: CPrograms,
): readonly [MapProgram, MapProgram, ...MapProgram[]] {
  const make = maker(scratch)
  const config = join(scratch.path, 'squid.yaml')
  const folder = join(checkout, 'dist/squid')
  const perl = findProgram('perl')
  return [
    make('this helper', directory => {
      writeFileSync(config, configText(directory))
      return [
        join(folder, 'keep.sh'),
        process.execPath,
        join(folder, 'main.js'),
        ...['--config', config, '--directory', directory],
      ]
    }),
    make('C helper', directory => [
      ...[c.map, '--squid', directory, pool, ...backends],
    ]),
    ...(perl === undefined
      ? []
      : [
          make('Perl helper', directory => [
            ...[perl, '-e', perlHelper, directory, ...backends],
          ]),
        ]),
  ]
}

/** Each program gets its own sentinel directory. */
function maker(scratch: Scratch) {
  return (
    name: string,
    argv: (directory: string) => readonly string[],
  ): MapProgram => {
    const directory = join(
      scratch.path,
      name.toLowerCase().replaceAll(/\W+/g, '-'),
    )
    makeSentinelDirectory(directory)
    return { name, directory, argv: argv(directory) }
  }
}
