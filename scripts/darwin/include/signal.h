#ifndef WV_DARWIN_SIGNAL_H
#define WV_DARWIN_SIGNAL_H

#include <stdint.h>

typedef uint32_t sigset_t;
struct wv_darwin_siginfo;

struct sigaction {
  union {
    void (*handler)(int);
    void (*action)(int, struct wv_darwin_siginfo *, void *);
  } of;
  sigset_t sa_mask;
  int sa_flags;
};
#define sa_handler of.handler

#define SIGPIPE 13
#define SIGXFSZ 25

#define SIG_DFL ((void (*)(int))0)
#define SIG_IGN ((void (*)(int))1)

int sigaction(int, const struct sigaction *, struct sigaction *);

#endif
