/* What the yardsticks in C know: the sentinel directory (.up, .drain, .maint), on a
 * second thread that inotify wakes. It has no reports, no staleness, no reload: it is
 * what speed costs at least.
 */
#ifndef TABLE_H
#define TABLE_H
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MAX_BACKENDS = 16 };

static const char *directory;
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

/* Reads the directory, and again whenever it changes; 0 = it can. */
static int start_watching(void) {
  static int fd;
  pthread_t thread;
  fd = inotify_init1(IN_CLOEXEC);
  if (fd < 0 || inotify_add_watch(fd, directory,
                                  IN_CREATE | IN_DELETE | IN_MOVE) < 0 ||
      pthread_create(&thread, NULL, watch, &fd) != 0) {
    perror(directory);
    return 1;
  }
  read_directory();
  return 0;
}

#endif
