/* Plays httpd for several map programs in turn: starts each as httpd does (real
 * pipes, empty environment), then in rounds A B C A B C... asks one lookup after
 * the other as mod_rewrite does: one writev of key and newline, then one byte
 * per read until the newline. Written in C so that the tail it sees is the map's.
 *
 * IN-FLIGHT 0 is that. From 1 on it plays Squid: one socket for both directions, so
 * many questions on their way at a time, answers read in big pieces.
 *
 *   driver IN-FLIGHT ROUNDS LOOKUPS WARM-UP FLIP-MS SECONDS OUT (-- DIRECTORY PROGRAM ARGUMENT...)...
 *
 * Every FLIP-MS, DIRECTORY/zope1.drain of the program that is being measured
 * comes or goes. Round-trip times go to OUT: unsigned 32-bit nanoseconds, by
 * round, by program, by lookup; no round begins after SECONDS. At the end
 * "changes N..." is printed: answers that differ from the one before.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { MAX_PROGRAMS = 16, MAX_ANSWER = 16384, MAX_IN_FLIGHT = 1000 };

struct program {
  char *directory, **argv;
  pid_t pid;
  int to, from, is_drained;
  long asked, changes;
  char last[MAX_ANSWER];
};

static struct program programs[MAX_PROGRAMS];
static int count, in_flight;
static uint64_t flip_ns, next_flip;

static void fail(const char *what, const struct program *p) {
  fprintf(stderr, "driver: %s: %s: %s\n", p ? p->argv[0] : "", what,
          strerror(errno));
  exit(1);
}

static uint64_t now_ns(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void start(struct program *p) {
  int to[2], from[2], both[2];
  char *environment[] = {NULL};
  if (in_flight > 0) {
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, both) < 0)
      fail("socketpair", p);
    to[0] = from[1] = both[1];
    to[1] = from[0] = both[0];
  } else if (pipe2(to, O_CLOEXEC) < 0 || pipe2(from, O_CLOEXEC) < 0) {
    fail("pipe", p);
  }
  p->pid = fork();
  if (p->pid < 0) fail("fork", p);
  if (p->pid == 0) {
    dup2(to[0], 0);
    dup2(from[1], 1);
    execve(p->argv[0], p->argv, environment);
    _exit(127);
  }
  close(to[0]);
  if (from[1] != to[0]) close(from[1]);
  p->to = to[1];
  p->from = from[0];
}

/* comes between two lookups, outside of what is timed */
static void flip(struct program *p) {
  char path[4096];
  snprintf(path, sizeof path, "%s/zope1.drain", p->directory);
  p->is_drained = !p->is_drained;
  if (p->is_drained) {
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
    if (fd < 0) fail(path, p);
    close(fd);
  } else if (unlink(path) < 0) {
    fail(path, p);
  }
}

static void flip_when_due(struct program *p) {
  uint64_t now = now_ns();
  if (flip_ns == 0 || now < next_flip) return;
  next_flip = now + flip_ns;
  flip(p);
}

static uint64_t ask(struct program *p) {
  char key[128], answer[MAX_ANSWER];
  size_t length = 0;
  /* 27 bytes of nonce, as from mod_unique_id; every fourth visitor is bound */
  int nonce = snprintf(key, sizeof key, "aXq%016lx@AAAAAAA", p->asked);
  int n = nonce + snprintf(key + nonce, sizeof key - (size_t)nonce,
                           " default %s 192.0.2.%ld",
                           p->asked % 4 == 0 ? "zope2" : "-", p->asked % 250);
  struct iovec parts[] = {{key, (size_t)n}, {"\n", 1}};
  flip_when_due(p);
  uint64_t begin = now_ns();
  if (writev(p->to, parts, 2) != n + 1) fail("write", p);
  for (;;) {
    char byte;
    if (read(p->from, &byte, 1) != 1) fail("read (has it ended?)", p);
    if (byte == '\n' || length == sizeof answer - 1) break;
    answer[length++] = byte;
  }
  uint64_t took = now_ns() - begin;
  answer[length] = '\0';
  if (length <= (size_t)nonce + 1 || memcmp(answer, key, (size_t)nonce) != 0) {
    fprintf(stderr, "driver: %s: asked \"%.*s\", got \"%s\"\n", p->argv[0], n,
            key, answer);
    exit(1);
  }
  if (p->asked % 4 != 0) {
    if (strcmp(p->last, answer + nonce) != 0) p->changes++;
    strcpy(p->last, answer + nonce);
  }
  p->asked++;
  return took;
}

/* As Squid: up to in_flight questions on their way; took may be NULL */
static void ask_many(struct program *p, uint32_t *took, long lookups) {
  static uint64_t sent[MAX_IN_FLIGHT];
  static char out[MAX_IN_FLIGHT * 128], in[65536];
  long asked = 0, answered = 0;
  size_t held = 0;
  while (answered < lookups) {
    size_t n = 0;
    flip_when_due(p);
    uint64_t begin = now_ns();
    for (; asked < lookups && asked - answered < in_flight; asked++) {
      long id = p->asked + asked + 1;
      sent[asked % in_flight] = begin;
      n += (size_t)snprintf(out + n, 128,
                            "%ld http://www.example.org/news/page-%ld default "
                            "%s 192.0.2.%ld\n",
                            id, id % 1000, id % 4 == 0 ? "zope2" : "-",
                            id % 250);
    }
    for (size_t done = 0; done < n;) {
      ssize_t written = write(p->to, out + done, n - done);
      if (written < 0) fail("write", p);
      done += (size_t)written;
    }
    ssize_t got = read(p->from, in + held, sizeof in - held);
    if (got <= 0) fail("read (has it ended?)", p);
    uint64_t end = now_ns();
    held += (size_t)got;
    char *line = in, *newline;
    while ((newline = memchr(line, '\n', held)) != NULL) {
      long id = p->asked + answered + 1;
      char *rest;
      *newline = '\0';
      if (answered == asked || strtol(line, &rest, 10) != id || *rest != ' ') {
        fprintf(stderr, "driver: %s: question %ld, got \"%s\"\n", p->argv[0],
                id, line);
        exit(1);
      }
      uint64_t ns = end - sent[answered % in_flight];
      if (took != NULL)
        took[answered] = ns > UINT32_MAX ? UINT32_MAX : (uint32_t)ns;
      if (id % 4 != 0) {
        if (strcmp(p->last, rest) != 0) p->changes++;
        strcpy(p->last, rest);
      }
      answered++;
      held -= (size_t)(newline + 1 - line);
      line = newline + 1;
    }
    memmove(in, line, held);
  }
  p->asked += lookups;
}

/* so many lookups, by the way of httpd or of Squid */
static void measure(struct program *p, uint32_t *took, long lookups) {
  if (in_flight > 0) {
    ask_many(p, took, lookups);
    return;
  }
  for (long k = 0; k < lookups; k++) {
    uint64_t ns = ask(p);
    if (took != NULL) took[k] = ns > UINT32_MAX ? UINT32_MAX : (uint32_t)ns;
  }
}

int main(int argc, char **argv) {
  if (argc < 11) return 2;
  in_flight = atoi(argv[1]);
  if (in_flight < 0 || in_flight > MAX_IN_FLIGHT) return 2;
  argv++;
  argc--;
  int rounds = atoi(argv[1]);
  long lookups = atol(argv[2]), warm_up = atol(argv[3]);
  uint64_t seconds = (uint64_t)atol(argv[5]);
  flip_ns = (uint64_t)atol(argv[4]) * 1000000u;
  FILE *out = fopen(argv[6], "we");
  uint32_t *took = calloc((size_t)lookups, sizeof *took);
  if (out == NULL || took == NULL) fail(argv[6], NULL);
  for (int i = 7; i + 2 < argc; i++) {
    if (strcmp(argv[i], "--") != 0) continue;
    if (count == MAX_PROGRAMS) return 2;
    argv[i] = NULL;
    programs[count++] =
        (struct program){.directory = argv[i + 1], .argv = argv + i + 2};
  }
  signal(SIGPIPE, SIG_IGN);
  for (int i = 0; i < count; i++) start(&programs[i]);
  for (int i = 0; i < count; i++) measure(&programs[i], NULL, warm_up);
  uint64_t end = now_ns() + seconds * 1000000000u;
  for (int round = 0; round < rounds && now_ns() < end; round++)
    for (int i = 0; i < count; i++) {
      measure(&programs[i], took, lookups);
      if (fwrite(took, sizeof *took, (size_t)lookups, out) != (size_t)lookups)
        fail(argv[6], NULL);
    }
  if (fclose(out) != 0) fail(argv[6], NULL);
  printf("changes");
  for (int i = 0; i < count; i++) printf(" %ld", programs[i].changes);
  printf("\n");
  /* what httpd does at its end: the pipes close, and it waits */
  for (int i = 0; i < count; i++) {
    close(programs[i].to);
    if (programs[i].from != programs[i].to) close(programs[i].from);
  }
  while (wait(NULL) > 0) {
  }
  return 0;
}
