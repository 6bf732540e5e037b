/* The yardstick of the ICP responder: answers for the first of the backends of a
 * pool of equals, HIT for every second request, MISS for the others, MISS_NOFETCH
 * while it is not usable.
 *
 *   icp PORT DIRECTORY NAME...
 */
#include "table.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>

enum { HEADER = 20, REQUESTER = 4, HIT = 2, MISS = 3, NO_FETCH = 21 };

int main(int argc, char **argv) {
  static unsigned char query[16384], reply[16384];
  struct sockaddr_in own = {.sin_family = AF_INET}, from;
  if (argc < 4 || argc - 3 > MAX_BACKENDS) return 2;
  own.sin_port = htons((uint16_t)atoi(argv[1]));
  own.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  directory = argv[2];
  names = argv + 3;
  count = argc - 3;
  int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), size = 1 << 20;
  setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
  if (start_watching() != 0) return 1;
  if (bind(fd, (struct sockaddr *)&own, sizeof own) < 0) {
    perror("bind");
    return 1;
  }
  for (;;) {
    socklen_t length = sizeof from;
    ssize_t got = recvfrom(fd, query, sizeof query, 0, (struct sockaddr *)&from,
                           &length);
    if (got <= HEADER + REQUESTER + 1 || query[0] != 1 || query[1] != 2)
      continue;
    size_t url = (size_t)got - HEADER - REQUESTER, n = HEADER + url;
    memset(reply, 0, HEADER);
    memcpy(reply + 4, query + 4, 4);
    memcpy(reply + HEADER, query + HEADER + REQUESTER, url);
    reply[0] = !(atomic_load(&table) >> 16 & 1) ? NO_FETCH
               : query[7] & 1                   ? HIT
                                                : MISS;
    reply[1] = 2;
    reply[2] = (unsigned char)(n >> 8);
    reply[3] = (unsigned char)n;
    sendto(fd, reply, n, 0, (struct sockaddr *)&from, length);
  }
}
