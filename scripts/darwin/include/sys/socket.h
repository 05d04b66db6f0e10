#ifndef WV_DARWIN_SOCKET_H
#define WV_DARWIN_SOCKET_H

#include <sys/uio.h>

typedef uint32_t socklen_t;

struct sockaddr;

struct msghdr {
  void *msg_name;
  socklen_t msg_namelen;
  struct iovec *msg_iov;
  int msg_iovlen;
  void *msg_control;
  socklen_t msg_controllen;
  int msg_flags;
};

#define SOCK_STREAM 1
#define SOCK_DGRAM 2

#define SOL_SOCKET 0xffff
#define SO_ACCEPTCONN 0x0002
#define SO_TYPE 0x1008

#define MSG_PEEK 0x2
#define MSG_TRUNC 0x10
#define MSG_DONTWAIT 0x80
#define MSG_NOSIGNAL 0x80000

#define SHUT_RD 0
#define SHUT_WR 1
#define SHUT_RDWR 2

int accept(int, struct sockaddr *, socklen_t *);
int getpeername(int, struct sockaddr *, socklen_t *);
int getsockopt(int, int, int, void *, socklen_t *);
ssize_t recvmsg(int, struct msghdr *, int);
ssize_t sendmsg(int, const struct msghdr *, int);
int shutdown(int, int);

#endif
