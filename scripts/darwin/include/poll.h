#ifndef WV_DARWIN_POLL_H
#define WV_DARWIN_POLL_H

struct pollfd {
  int fd;
  short events;
  short revents;
};

#define POLLIN 0x1
#define POLLOUT 0x4
#define POLLERR 0x8
#define POLLHUP 0x10
#define POLLNVAL 0x20

typedef unsigned int nfds_t;

int poll(struct pollfd *, nfds_t, int);

#endif
