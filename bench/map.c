/* The yardstick: what an administrator who knows C would put behind httpd's
 * RewriteMap. It reads the same sentinel directory (.up, .drain, .maint; policy
 * failover) on a second thread that inotify wakes, and answers from memory. It
 * has no reports, no staleness, no reload: it is what speed costs at least.
 *
 *   map DIRECTORY POOL NAME...
 */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MAX_BACKENDS = 16, MAX_LINE = 8192 };

static const char *directory, *pool;
static char **names;
static int count;

/* The whole table in one word, so that it changes as a whole: bit i = backend i
 * is usable, bit 16 + i = it also takes new visitors. */
static _Atomic uint32_t table;

static int is_there(const char *name, const char *kind) {
  char path[4096];
  struct stat st;
  snprintf(path, sizeof path, "%s/%s.%s", directory, name, kind);
  return lstat(path, &st) == 0 && S_ISREG(st.st_mode);
}

static void read_directory(void) {
  uint32_t next = 0;
  for (int i = 0; i < count; i++) {
    if (!is_there(names[i], "up") || is_there(names[i], "maint")) continue;
    next |= 1u << i;
    if (!is_there(names[i], "drain")) next |= 1u << (16 + i);
  }
  atomic_store(&table, next);
}

static void *watch(void *argument) {
  int fd = *(int *)argument;
  char events[4096] __attribute__((aligned(8)));
  while (read(fd, events, sizeof events) > 0) read_directory();
  return NULL;
}

/* The answer to one line of `length` bytes, newline included; its length. */
static size_t answer(const char *line, size_t length, char *out) {
  const char *end = line + length, *field[4] = {0};
  size_t size[4] = {0};
  int fields = 0;
  for (const char *p = line; p <= end && fields < 4; fields++) {
    const char *space = memchr(p, ' ', (size_t)(end - p));
    field[fields] = p;
    size[fields] = (size_t)((space ? space : end) - p);
    p = space ? space + 1 : end + 1;
  }
  size_t n = 0;
  if (size[0] > 0 && !(size[0] == 1 && *field[0] == '-')) {
    memcpy(out, field[0], size[0]);
    n = size[0];
    out[n++] = ' ';
  }
  uint32_t now = atomic_load(&table);
  int chosen = -1, next = -1;
  if (fields > 1 && size[1] == strlen(pool) &&
      memcmp(field[1], pool, size[1]) == 0) {
    for (int i = 0; fields > 2 && i < count; i++)
      if ((now >> i & 1) && size[2] == strlen(names[i]) &&
          memcmp(field[2], names[i], size[2]) == 0)
        chosen = i;
    for (int i = 0; chosen < 0 && i < count; i++)
      if (now >> (16 + i) & 1) chosen = i;
    for (int i = 0; next < 0 && i < count; i++)
      if (i != chosen && (now >> (16 + i) & 1)) next = i;
  }
  n += (size_t)(chosen < 0 ? sprintf(out + n, "NULL\n")
                           : sprintf(out + n, "%s %s\n", names[chosen],
                                     next < 0 ? "-" : names[next]));
  return n;
}

int main(int argc, char **argv) {
  static char buffer[2 * MAX_LINE], out[2 * MAX_LINE];
  size_t held = 0;
  pthread_t thread;
  if (argc < 4 || argc - 3 > MAX_BACKENDS) return 2;
  directory = argv[1];
  pool = argv[2];
  names = argv + 3;
  count = argc - 3;
  int fd = inotify_init1(IN_CLOEXEC);
  if (fd < 0 || inotify_add_watch(fd, directory,
                                  IN_CREATE | IN_DELETE | IN_MOVE) < 0 ||
      pthread_create(&thread, NULL, watch, &fd) != 0) {
    perror("map");
    return 1;
  }
  read_directory();
  for (;;) {
    ssize_t got = read(0, buffer + held, sizeof buffer - held);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return 0;
    held += (size_t)got;
    char *line = buffer, *newline;
    while ((newline = memchr(line, '\n', held)) != NULL) {
      size_t length = (size_t)(newline - line);
      size_t n = length > MAX_LINE ? (size_t)sprintf(out, "NULL\n")
                                   : answer(line, length, out);
      if (write(1, out, n) != (ssize_t)n) return 0;
      held -= length + 1;
      line = newline + 1;
    }
    memmove(buffer, line, held);
    /* a line too long to hold loses its nonce, and gets its one answer */
    if (held > MAX_LINE) held = MAX_LINE + 1;
  }
}
