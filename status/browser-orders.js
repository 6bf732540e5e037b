// Lets a visitor who knows the token steer. It is asked for once, and kept in a
// variable of this page and nowhere else. What an order changes comes back with
// the page's events, not from here.
{
  const main = document.getElementById('page')
  const dialog = document.getElementById('order')
  const form = dialog.querySelector('form')
  const note = document.getElementById('order-note')
  const secret = form.elements.namedItem('token')
  /** by backend: what became of the last order */
  const said = new Map()
  /** how long good news stands there, ms */
  const shownMs = 15_000
  let token = ''
  let backend = ''

  /** Rows come without; the whole table is replaced now and then. */
  function dress() {
    for (const head of main.querySelectorAll('.backends tbody th')) {
      if (head.querySelector('.steer') !== null) continue
      const name = head.querySelector('b').textContent
      const button = document.createElement('button')
      button.type = 'button'
      button.className = 'steer'
      button.textContent = 'steer'
      button.setAttribute('aria-label', `steer ${name}`)
      button.setAttribute('aria-haspopup', 'dialog')
      button.addEventListener('click', () => open(name))
      const output = document.createElement('output')
      output.dataset.backend = name
      head.append(button, output)
      show(name)
    }
  }

  function rowPart(name, selector) {
    return [...main.querySelectorAll('.backends tbody th')]
      .find(head => head.querySelector('b').textContent === name)
      ?.querySelector(selector)
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
    // what was typed for another one must not be done to this one
    if (name !== backend) form.reset()
    backend = name
    document.getElementById('order-backend').textContent = name
    fit()
    dialog.showModal()
  }

  /** Shows what this order takes. */
  function fit() {
    const isAsked = token === ''
    document.getElementById('order-token').hidden = !isAsked
    secret.disabled = !isAsked
    note.hidden = new FormData(form).get('action') === 'ready'
    for (const input of note.querySelectorAll('input'))
      input.disabled = note.hidden
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
      // for another order of this backend, unless there is something to mend
      if (response.ok) form.reset()
      say(name, text.trim(), !response.ok)
    } catch (err) {
      say(name, `not sent, or no answer came: ${err.message}`, true)
    }
  }

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
    // the button it was opened by may have been replaced
    rowPart(backend, '.steer')?.focus()
  })
  new MutationObserver(dress).observe(main, { childList: true })
  dress()
}
