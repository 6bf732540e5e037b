/* Plays httpd for several map programs in turn: starts each as httpd does (real
 * pipes, empty environment), then in rounds A B C A B C... asks one lookup after
 * the other as mod_rewrite does: one writev of key and newline, then one byte
 * per read until the newline. Written in C so that the tail it sees is the map's.
 *
 *   driver ROUNDS LOOKUPS WARM-UP FLIP-MS SECONDS OUT (-- DIRECTORY PROGRAM ARGUMENT...)...
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
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { MAX_PROGRAMS = 16, MAX_ANSWER = 16384 };

struct program {
  char *directory, **argv;
  pid_t pid;
  int to, from, is_drained;
  long asked, changes;
  char last[MAX_ANSWER];
};

static struct program programs[MAX_PROGRAMS];
static int count;
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
  int to[2], from[2];
  char *environment[] = {NULL};
  if (pipe2(to, O_CLOEXEC) < 0 || pipe2(from, O_CLOEXEC) < 0) fail("pipe", p);
  p->pid = fork();
  if (p->pid < 0) fail("fork", p);
  if (p->pid == 0) {
    dup2(to[0], 0);
    dup2(from[1], 1);
    execve(p->argv[0], p->argv, environment);
    _exit(127);
  }
  close(to[0]);
  close(from[1]);
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

static uint64_t ask(struct program *p) {
  char key[128], answer[MAX_ANSWER];
  size_t length = 0;
  /* 27 bytes of nonce, as from mod_unique_id; every fourth visitor is bound */
  int nonce = snprintf(key, sizeof key, "aXq%016lx@AAAAAAA", p->asked);
  int n = nonce + snprintf(key + nonce, sizeof key - (size_t)nonce,
                           " default %s 192.0.2.%ld",
                           p->asked % 4 == 0 ? "zope2" : "-", p->asked % 250);
  struct iovec parts[] = {{key, (size_t)n}, {"\n", 1}};
  uint64_t begin = now_ns();
  if (begin >= next_flip && flip_ns > 0) {
    next_flip = begin + flip_ns;
    flip(p);
    begin = now_ns();
  }
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

int main(int argc, char **argv) {
  if (argc < 10) return 2;
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
  for (int i = 0; i < count; i++)
    for (long k = 0; k < warm_up; k++) ask(&programs[i]);
  uint64_t end = now_ns() + seconds * 1000000000u;
  for (int round = 0; round < rounds && now_ns() < end; round++)
    for (int i = 0; i < count; i++) {
      for (long k = 0; k < lookups; k++) {
        uint64_t ns = ask(&programs[i]);
        took[k] = ns > UINT32_MAX ? UINT32_MAX : (uint32_t)ns;
      }
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
    close(programs[i].from);
  }
  while (wait(NULL) > 0) {
  }
  return 0;
}
