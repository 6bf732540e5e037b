/* Plays Squid for one ICP responder: so many queries a second, whether answers come
 * or not, while the table changes so many times a second.
 *
 *   icp-load PORT QUERIES PER-SECOND CHANGES-PER-SECOND DIRECTORY OUT
 *
 * DIRECTORY/zope1.drain comes and goes. Times from query to answer go to OUT: unsigned
 * 32-bit nanoseconds. What has not been answered two seconds after the last query is
 * lost. Prints "sent N answered N changes N".
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static void fail(const char *what) {
  fprintf(stderr, "icp-load: %s: %s\n", what, strerror(errno));
  exit(1);
}

static uint64_t now_ns(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

int main(int argc, char **argv) {
  static const char url[] = "http://www.example.org/news/page";
  unsigned char query[24 + sizeof url] = {1, 2, 0, 24 + sizeof url}, in[2048];
  if (argc != 7) return 2;
  struct sockaddr_in to = {.sin_family = AF_INET};
  to.sin_port = htons((uint16_t)atoi(argv[1]));
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  uint32_t queries = (uint32_t)atol(argv[2]), sent = 0, answered = 0;
  uint64_t query_ns = 1000000000u / (uint64_t)atol(argv[3]);
  uint64_t flip_ns = 1000000000u / (uint64_t)atol(argv[4]);
  char path[4096];
  snprintf(path, sizeof path, "%s/zope1.drain", argv[5]);
  uint64_t *begun = calloc(queries, sizeof *begun);
  uint32_t *took = calloc(queries, sizeof *took);
  int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), size = 1 << 20;
  setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
  if (begun == NULL || took == NULL || fd < 0 ||
      connect(fd, (struct sockaddr *)&to, sizeof to) < 0)
    fail("socket");
  memcpy(query + 24, url, sizeof url);
  long changes = 0;
  uint64_t start = now_ns(), last = start;
  while (answered < queries) {
    uint64_t now = now_ns();
    if (sent == queries && now > last + 2000000000u) break;
    for (; sent < queries && start + sent * query_ns <= now; sent++) {
      uint32_t number = htonl(sent + 1);
      memcpy(query + 4, &number, 4);
      last = begun[sent] = now_ns();
      if (send(fd, query, sizeof query, 0) < 0 && errno != ECONNREFUSED)
        fail("send");
    }
    for (; start + (uint64_t)changes * flip_ns <= now; changes++) {
      if (changes % 2 == 0) {
        int file = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
        if (file < 0) fail(path);
        close(file);
      } else if (unlink(path) < 0) {
        fail(path);
      }
    }
    struct pollfd wait = {fd, POLLIN, 0};
    struct timespec quarter = {0, 250000};
    ppoll(&wait, 1, &quarter, NULL);
    for (;;) {
      ssize_t got = recv(fd, in, sizeof in, MSG_DONTWAIT);
      if (got < 0) break;
      uint64_t end = now_ns();
      uint32_t number;
      memcpy(&number, in + 4, 4);
      number = ntohl(number) - 1;
      if (got != (ssize_t)(20 + sizeof url) || number >= sent ||
          memcmp(in + 20, url, sizeof url) != 0 || took[number] != 0) {
        fprintf(stderr, "icp-load: an answer to no query\n");
        return 1;
      }
      uint64_t ns = end - begun[number];
      took[number] = ns > UINT32_MAX ? UINT32_MAX : (uint32_t)ns;
      answered++;
    }
  }
  if (changes % 2 != 0) unlink(path);
  FILE *out = fopen(argv[6], "we");
  if (out == NULL) fail(argv[6]);
  for (uint32_t i = 0; i < queries; i++)
    if (took[i] != 0) fwrite(&took[i], sizeof took[i], 1, out);
  if (fclose(out) != 0) fail(argv[6]);
  printf("sent %u answered %u changes %ld\n", sent, answered, changes);
  return 0;
}
