// Keeps the page up to date: inserts what the server sends into its elements and
// shows times as ages. The server has escaped everything.
const live = document.getElementById('live')
/** ms by which the server's clock is ahead of this one's */
let ahead = 0
let heardMs = performance.now()
let source

function age(ms) {
  const s = Math.max(0, Math.round(ms / 1000))
  if (s < 90) return `${s} s`
  if (s < 5400) return `${Math.round(s / 60)} min`
  return s < 129600 ? `${Math.round(s / 3600)} h` : `${Math.round(s / 86400)} d`
}

/** Local time to the second, with the day unless it is today. */
function clock(at, now) {
  const isToday = now.toDateString() === at.toDateString()
  return `${isToday ? '' : `${at.toLocaleDateString()} `}${at.toTimeString().slice(0, 8)}`
}

/** `at` in the words of its form (page/time-element.ts). */
function ageText(at, now, form) {
  if (form === 'since') return `for ${age(now - at)}`
  const when = at > now ? `in ${age(at - now)}` : age(now - at)
  return form === 'until' ? `until ${clock(at, new Date(now))} (${when})` : when
}

function showTimes() {
  const now = Date.now() + ahead
  for (const time of document.querySelectorAll('main time')) {
    const at = new Date(time.dateTime)
    if (time.title === '') time.title = time.textContent
    const isEvent = time.closest('.events') !== null
    const text = isEvent
      ? clock(at, new Date(now))
      : ageText(at, now, time.dataset.form)
    if (time.textContent !== text) time.textContent = text
  }
}

function say(state, text) {
  if (live.className !== state) live.className = state
  if (live.textContent !== text) live.textContent = text
}

function connect() {
  source?.close()
  source = new EventSource('events')
  source.addEventListener('message', ({ data }) => {
    const { now, title, patch } = JSON.parse(data)
    heardMs = performance.now()
    ahead = now - Date.now()
    document.title = title
    const isFiltered = document.getElementById('only').checked
    for (const [id, inner] of Object.entries(patch)) {
      const element = document.getElementById(id)
      if (element !== null) element.innerHTML = inner
    }
    document.getElementById('only').checked = isFiltered
    say('live', '● live')
    showTimes()
  })
  source.addEventListener('error', () => {
    say('lost', 'disconnected, retrying')
  })
}

/** When the timer below, not the browser, last opened a connection. */
let begunMs = performance.now()
setInterval(() => {
  const now = performance.now()
  const silentMs = now - heardMs
  showTimes()
  if (silentMs < 4000) return
  say('lost', `disconnected, this is ${age(silentMs)} old`)
  // the browser gives up after an error page and waits forever on a dead connection
  if (now - begunMs < 8000) return
  begunMs = now
  connect()
}, 1000)

showTimes()
connect()
