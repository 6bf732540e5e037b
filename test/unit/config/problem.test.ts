import t from 'tap'
import {
  ConfigError,
  describeProblem,
  pathText,
} from '../../../config/problem.ts'

void t.test('a problem says file, line, key and rule', t => {
  const rule = 'must be an integer, got "x"'
  t.equal(
    describeProblem('f.yaml', {
      path: ['pools', 'default', 'members', 0, 'weight'],
      rule,
      line: 7,
    }),
    'f.yaml:7: pools.default.members[0].weight must be an integer, got "x"',
  )
  t.equal(
    describeProblem('f.yaml', { path: ['probe'], rule }),
    'f.yaml: probe must be an integer, got "x"',
  )
  t.equal(
    describeProblem('f.yaml', { path: [], rule: 'is empty' }),
    'f.yaml: the file is empty',
  )
  t.end()
})

void t.test('a key cannot turn the terminal red, nor show a password', t => {
  t.equal(
    describeProblem('f.yaml', {
      path: ['backends', '\u001B[31mhttp://u:secret@h'],
      rule: 'must be a name',
    }),
    String.raw`f.yaml: backends.\u001b[31mhttp://…@h must be a name`,
  )
  t.end()
})

void t.test('the path of the file itself is empty', t => {
  t.equal(pathText([]), '')
  t.equal(pathText([0, 'a']), '[0].a')
  t.end()
})

void t.test('the error holds one line per problem', t => {
  const error = new ConfigError(['one', 'two'])
  t.match(error, {
    name: 'ConfigError',
    code: 'ERR_CONFIG',
    message: 'one\ntwo',
    problems: ['one', 'two'],
  })
  t.end()
})
