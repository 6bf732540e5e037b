// The manual page zope-failover(1), in roff (man macros). Pure.
import type { CommandForm, OptionForm } from './command-tree.ts'

export function manualPage(
  commands: readonly CommandForm[],
  version: string,
): string {
  return `${[
    `.TH ZOPE\\-FAILOVER 1 "" "zope\\-failover ${roff(version)}"`,
    '.SH NAME',
    'zope\\-failover \\- failover for Apache httpd in front of Zope and Plone',
    '.SH SYNOPSIS',
    '.B zope\\-failover',
    '.I COMMAND',
    '[\\fIOPTION\\fR ...]',
    '.SH DESCRIPTION',
    'A monitor probes the Zopes and keeps one small file for each healthy one in',
    'the sentinel directory. For every request, a map program tells httpd which of',
    'them to use. Both also obey the files that an administrator puts there.',
    '.SH COMMANDS',
    ...commands.flatMap(commandLines),
    '.SH EXIT STATUS',
    ...item('0', 'Done.'),
    ...item('1', 'Failure, or something was found.'),
    ...item('2', 'Wrong usage, or the configuration has problems.'),
    '.PP',
    'The command',
    '.B probe',
    'exits as monitoring plugins do: 0 ok, 1 warning, 2 critical, 3 unknown.',
    '.SH ENVIRONMENT',
    ...item(
      'ZOPE_FAILOVER_CONFIG',
      'The configuration, unless \\-\\-config names one.',
    ),
    ...item(
      'NOTIFY_SOCKET, WATCHDOG_USEC',
      'Set by systemd: the monitor reports to it that it is ready and alive.',
    ),
    '.SH FILES',
    ...item('/etc/zope-failover.yaml', 'The configuration.'),
    ...item('/run/zope-failover/', 'The sentinel directory:'),
    '.RS',
    ...item(
      'NAME.up',
      'The backend NAME may get traffic; the share of its weight.',
    ),
    ...item('NAME.drain', 'No new visitors.'),
    ...item('NAME.maint', 'No traffic at all.'),
    ...item('NAME.force', 'Up, whatever the probes say.'),
    ...item('NAME.suspect', 'Requests a probe.'),
    ...item('monitor.json', 'The report of the monitor.'),
    '.RE',
    '.SH SEE ALSO',
    '.BR apache2 (8),',
    '.BR systemctl (1)',
  ].join('\n')}\n`
}

function commandLines(command: CommandForm): string[] {
  const { name, description, options } = command
  const words = command.arguments.map(({ written }) => written)
  return [
    '.SS',
    [
      roff(`zope-failover ${name}`),
      ...words.map(word => `\\fI${roff(word)}\\fR`),
    ].join(' '),
    roff(sentence(description)),
    ...command.arguments
      .filter(argument => argument.description !== '')
      .flatMap(argument =>
        item(argument.written, sentence(argument.description)),
      ),
    ...options.flatMap(option =>
      item(optionText(option), optionMeaning(option)),
    ),
  ]
}

function optionText({ long, value }: OptionForm): string {
  return value === null ? long : `${long} ${value}`
}

function optionMeaning({ description, choices }: OptionForm): string {
  return choices.length === 0
    ? sentence(description)
    : `${sentence(description)} One of ${choices.join(', ')}.`
}

function item(term: string, meaning: string): string[] {
  return ['.TP', `.B ${roff(term)}`, roff(meaning)]
}

function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}${text.endsWith('.') ? '' : '.'}`
}

/** A line of text must not look like a roff request. */
function roff(text: string): string {
  return text
    .replaceAll(/\\(?!-)/g, '\\e')
    .replaceAll(/(?<!\\)-/g, '\\-')
    .replace(/^(?=[.'])/, '\\&')
}
