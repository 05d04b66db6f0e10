#ifndef WV_DARWIN_LIMITS_H
#define WV_DARWIN_LIMITS_H

/* The limits of C are the compiler's. */
#include_next <limits.h>

#define PIPE_BUF 512

#endif
