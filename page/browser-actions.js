// Lets a visitor who knows the token send actions. The token is asked for once and
// kept in a variable of this page and nowhere else. What an action changes arrives
// with the page's events, not from here. A module, so nothing leaks into the page.
const main = document.getElementById('page')
const dialog = document.getElementById('order')
const form = dialog.querySelector('form')
const note = document.getElementById('order-note')
const secret = form.elements.namedItem('token')
/** by backend: the result of the last action */
const said = new Map()
/** how long a success message is shown, ms */
const shownMs = 60_000
let token = ''
let backend = ''
/** the backend whose button has the focus, or had it last */
let focused = ''

/** Adds the buttons. Rows arrive without them, and the table is sometimes replaced. */
function dress() {
  for (const head of main.querySelectorAll('.backends tbody .c-name')) {
    if (head.querySelector('.change') !== null) continue
    const name = nameIn(head)
    const button = document.createElement('button')
    button.type = 'button'
    button.className = 'change'
    button.textContent = 'change'
    button.setAttribute('aria-label', `change ${name}`)
    button.setAttribute('aria-haspopup', 'dialog')
    const output = document.createElement('output')
    head.querySelector('b').after(' ', button)
    head.append(output)
    show(name)
  }
  // the focus was on a button that has been replaced
  if (document.activeElement === document.body) focus(focused)
}

function focus(name) {
  rowPart(name, '.change')?.focus({ preventScroll: true })
}

function rowPart(name, selector) {
  return [...main.querySelectorAll('.backends tbody .c-name')]
    .find(head => nameIn(head) === name)
    ?.querySelector(selector)
}

function nameIn(head) {
  return head.querySelector('b').textContent
}

/** The backend of this button, if the element is one. */
function backendOf(element) {
  return element.matches('.change') ? nameIn(element.parentElement) : undefined
}

function show(name) {
  const output = rowPart(name, 'output')
  const { text = '', isBad = false } = said.get(name) ?? {}
  if (output === undefined) return
  output.textContent = text
  output.className = isBad ? 'bad' : ''
}

function say(name, text, isBad) {
  const news = { text, isBad }
  said.set(name, news)
  show(name)
  if (isBad) return
  setTimeout(() => {
    if (said.get(name) !== news) return
    said.delete(name)
    show(name)
  }, shownMs)
}

function open(name) {
  // input for another backend must not be applied to this one
  if (name !== backend) form.reset()
  backend = name
  document.getElementById('order-backend').textContent = name
  fit()
  dialog.showModal()
}

/** Shows the fields of the selected action. */
function fit() {
  const isAsked = token === ''
  document.getElementById('order-token').hidden = !isAsked
  secret.disabled = !isAsked
  note.hidden = new FormData(form).get('action') === 'ready'
  for (const input of note.querySelectorAll('input'))
    input.disabled = note.hidden
}

/** The lines about this backend; the pools are on the page. */
function ownPart(name, text) {
  const mark = `${name}: `
  return text
    .split('\n')
    .filter(line => line.startsWith(mark))
    .map(line => line.slice(mark.length))
    .join('\n')
}

async function send(name, { action, ...body }) {
  say(name, `${action} …`, false)
  try {
    const response = await fetch(`backends/${name}/${action}`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${token}`,
        'content-type': 'application/json',
      },
      body: JSON.stringify(body),
      redirect: 'error',
    })
    const text = await response.text()
    if (response.status === 401) token = ''
    // keep the input if it needs a correction or the next one is being typed
    if (response.ok && !dialog.open) form.reset()
    say(name, response.ok ? ownPart(name, text) : text.trim(), !response.ok)
  } catch (err) {
    say(name, `no answer: ${err.message}`, true)
  }
}

main.addEventListener('click', ({ target }) => {
  const name = backendOf(target)
  if (name !== undefined) open(name)
})
main.addEventListener('focusin', ({ target }) => {
  focused = backendOf(target) ?? ''
})
form.addEventListener('change', fit)
form.addEventListener('submit', event => {
  event.preventDefault()
  const { token: typed, ...order } = Object.fromEntries(new FormData(form))
  if (typed !== undefined) token = typed.trim()
  dialog.close()
  void send(backend, order)
})
document
  .getElementById('order-cancel')
  .addEventListener('click', () => dialog.close())
dialog.addEventListener('close', () => {
  secret.value = ''
  // the button that opened it may have been replaced
  focus(backend)
})
new MutationObserver(dress).observe(main, { childList: true })
dress()
