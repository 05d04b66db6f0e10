/* The part of the WASI preview1 ABI that a write needs.
 *
 * Names and numbers are those of wasi_snapshot_preview1.witx. */
#ifndef WV_WASI_H
#define WV_WASI_H

#include <stddef.h>
#include <stdint.h>

typedef uint16_t wv_errno;

enum {
  WV_SUCCESS = 0,
  WV_E2BIG = 1,
  WV_EACCES = 2,
  WV_EADDRINUSE = 3,
  WV_EADDRNOTAVAIL = 4,
  WV_EAFNOSUPPORT = 5,
  WV_EAGAIN = 6,
  WV_EALREADY = 7,
  WV_EBADF = 8,
  WV_EBADMSG = 9,
  WV_EBUSY = 10,
  WV_ECANCELED = 11,
  WV_ECHILD = 12,
  WV_ECONNABORTED = 13,
  WV_ECONNREFUSED = 14,
  WV_ECONNRESET = 15,
  WV_EDEADLK = 16,
  WV_EDESTADDRREQ = 17,
  WV_EDOM = 18,
  WV_EDQUOT = 19,
  WV_EEXIST = 20,
  WV_EFAULT = 21,
  WV_EFBIG = 22,
  WV_EHOSTUNREACH = 23,
  WV_EIDRM = 24,
  WV_EILSEQ = 25,
  WV_EINPROGRESS = 26,
  WV_EINTR = 27,
  WV_EINVAL = 28,
  WV_EIO = 29,
  WV_EISCONN = 30,
  WV_EISDIR = 31,
  WV_ELOOP = 32,
  WV_EMFILE = 33,
  WV_EMLINK = 34,
  WV_EMSGSIZE = 35,
  WV_EMULTIHOP = 36,
  WV_ENAMETOOLONG = 37,
  WV_ENETDOWN = 38,
  WV_ENETRESET = 39,
  WV_ENETUNREACH = 40,
  WV_ENFILE = 41,
  WV_ENOBUFS = 42,
  WV_ENODEV = 43,
  WV_ENOENT = 44,
  WV_ENOEXEC = 45,
  WV_ENOLCK = 46,
  WV_ENOLINK = 47,
  WV_ENOMEM = 48,
  WV_ENOMSG = 49,
  WV_ENOPROTOOPT = 50,
  WV_ENOSPC = 51,
  WV_ENOSYS = 52,
  WV_ENOTCONN = 53,
  WV_ENOTDIR = 54,
  WV_ENOTEMPTY = 55,
  WV_ENOTRECOVERABLE = 56,
  WV_ENOTSOCK = 57,
  WV_ENOTSUP = 58,
  WV_ENOTTY = 59,
  WV_ENXIO = 60,
  WV_EOVERFLOW = 61,
  WV_EOWNERDEAD = 62,
  WV_EPERM = 63,
  WV_EPIPE = 64,
  WV_EPROTO = 65,
  WV_EPROTONOSUPPORT = 66,
  WV_EPROTOTYPE = 67,
  WV_ERANGE = 68,
  WV_EROFS = 69,
  WV_ESPIPE = 70,
  WV_ESRCH = 71,
  WV_ESTALE = 72,
  WV_ETIMEDOUT = 73,
  WV_ETXTBSY = 74,
  WV_EXDEV = 75,
  WV_ENOTCAPABLE = 76,
};

/* A scatter/gather element as the guest lays it out: two little-endian u32. */
typedef struct wv_ciovec {
  uint32_t buf;
  uint32_t buf_len;
} wv_ciovec;

_Static_assert(sizeof(wv_ciovec) == 8, "ciovec is 8 bytes");
_Static_assert(offsetof(wv_ciovec, buf) == 0, "ciovec.buf is at 0");
_Static_assert(offsetof(wv_ciovec, buf_len) == 4, "ciovec.buf_len is at 4");

#endif
