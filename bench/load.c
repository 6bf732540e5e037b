/* Load on one httpd: keep-alive connections, one request under way on each.
 *
 *   load PORT PATH CONNECTIONS MILLISECONDS [COOKIE]
 *
 * prints "requests N failed N seconds S". Whatever is not a whole 200 has
 * failed. A connection that httpd closed between two answers is opened again, as
 * a browser would: the event MPM takes idle ones away when workers are short.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

struct connection {
  int fd;
  size_t held;
  char answer[8192];
};

static char request[1024];
static size_t request_length;
static struct sockaddr_in address;
static int events;

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int ask(struct connection *c) {
  c->held = 0;
  return write(c->fd, request, request_length) == (ssize_t)request_length;
}

static void reconnect(struct connection *c) {
  struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};
  if (c->fd >= 0) close(c->fd);
  c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (c->fd < 0 ||
      connect(c->fd, (struct sockaddr *)&address, sizeof address) < 0 ||
      epoll_ctl(events, EPOLL_CTL_ADD, c->fd, &event) < 0 || !ask(c)) {
    perror("load");
    exit(1);
  }
}

/* whether the whole answer is there */
static int is_whole(struct connection *c) {
  c->answer[c->held] = '\0';
  char *body = strstr(c->answer, "\r\n\r\n");
  if (body == NULL) return 0;
  char *length = strcasestr(c->answer, "\r\nContent-Length:");
  if (length == NULL || length > body) return 1;
  return c->held >= (size_t)(body + 4 - c->answer) + strtoul(length + 17, NULL, 10);
}

int main(int argc, char **argv) {
  if (argc != 5 && argc != 6) return 2;
  address.sin_family = AF_INET;
  address.sin_port = htons((uint16_t)atoi(argv[1]));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  request_length = (size_t)snprintf(
      request, sizeof request,
      "GET %s HTTP/1.1\r\nHost: localhost\r\n%s%s%s\r\n", argv[2],
      argc == 6 ? "Cookie: " : "", argc == 6 ? argv[5] : "",
      argc == 6 ? "\r\n" : "");
  int count = atoi(argv[3]);
  double begin = now(), end = begin + atof(argv[4]) / 1000;
  long requests = 0, failed = 0;
  struct connection *connections = calloc((size_t)count, sizeof *connections);
  struct epoll_event ready[64];
  events = epoll_create1(EPOLL_CLOEXEC);
  for (int i = 0; i < count; i++) {
    connections[i].fd = -1;
    reconnect(&connections[i]);
  }
  while (now() < end) {
    int n = epoll_wait(events, ready, 64, 100);
    for (int i = 0; i < n; i++) {
      struct connection *c = ready[i].data.ptr;
      ssize_t got = read(c->fd, c->answer + c->held,
                         sizeof c->answer - 1 - c->held);
      if (got > 0) {
        c->held += (size_t)got;
        if (!is_whole(c)) continue;
        if (strncmp(c->answer, "HTTP/1.1 200 ", 13) == 0) requests++;
        else failed++;
        if (ask(c)) continue;
      } else if (got < 0 || c->held > 0) {
        failed++;
      }
      reconnect(c);
    }
  }
  printf("requests %ld failed %ld seconds %.3f\n", requests, failed,
         now() - begin);
  return 0;
}
