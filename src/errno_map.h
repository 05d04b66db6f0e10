#ifndef WV_ERRNO_MAP_H
#define WV_ERRNO_MAP_H

#include "wasi.h"

/* The WASI namesake of a host errno; EIO where there is none. */
wv_errno wv_errno_from_host(int host_errno);

#endif
