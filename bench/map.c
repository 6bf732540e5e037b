/* The yardstick: what an administrator who knows C would put behind httpd's
 * RewriteMap, or with --squid behind Squid's url_rewrite_program (policy failover).
 *
 *   map [--squid] DIRECTORY POOL NAME...
 */
#include "table.h"

#include <errno.h>

enum { MAX_LINE = 8192 };

static const char *pool;
static int is_squid;

/* The answer to one line of `length` bytes, newline included; its length. */
static size_t answer(const char *line, size_t length, char *out) {
  const char *end = line + length, *field[5] = {0};
  size_t size[5] = {0};
  int fields = 0, in = is_squid ? 2 : 1, route = in + 1;
  for (const char *p = line; p <= end && fields < 5; fields++) {
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
  int chosen = -1, next = -1, bound = -1;
  if (fields > in && size[in] == strlen(pool) &&
      memcmp(field[in], pool, size[in]) == 0) {
    for (int i = 0; fields > route && i < count; i++)
      if ((now >> i & 1) && size[route] == strlen(names[i]) &&
          memcmp(field[route], names[i], size[route]) == 0)
        chosen = bound = i;
    for (int i = 0; chosen < 0 && i < count; i++)
      if (now >> (16 + i) & 1) chosen = i;
    for (int i = 0; next < 0 && i < count; i++)
      if (i != chosen && (now >> (16 + i) & 1)) next = i;
  }
  if (is_squid)
    return n + (size_t)(chosen < 0
                            ? sprintf(out + n, "OK backend_=none\n")
                            : sprintf(out + n, "OK backend_=%s next_=%s%s\n",
                                      names[chosen],
                                      next < 0 ? "-" : names[next],
                                      bound < 0 ? " bind_=1" : ""));
  n += (size_t)(chosen < 0 ? sprintf(out + n, "NULL\n")
                           : sprintf(out + n, "%s %s\n", names[chosen],
                                     next < 0 ? "-" : names[next]));
  return n;
}

int main(int argc, char **argv) {
  static char buffer[2 * MAX_LINE], out[2 * MAX_LINE];
  size_t held = 0;
  if (argc > 1 && strcmp(argv[1], "--squid") == 0) {
    is_squid = 1;
    argv++;
    argc--;
  }
  if (argc < 4 || argc - 3 > MAX_BACKENDS) return 2;
  directory = argv[1];
  pool = argv[2];
  names = argv + 3;
  count = argc - 3;
  if (start_watching() != 0) return 1;
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
