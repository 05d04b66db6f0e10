/* The WASI preview1 ABI: numbers, flags and the layout of structures.
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

/* clockid */
enum {
  WV_CLOCK_REALTIME = 0,
  WV_CLOCK_MONOTONIC = 1,
  WV_CLOCK_PROCESS_CPUTIME = 2,
  WV_CLOCK_THREAD_CPUTIME = 3,
};

/* filetype */
typedef enum wv_filetype {
  WV_FILETYPE_UNKNOWN = 0,
  WV_FILETYPE_BLOCK_DEVICE = 1,
  WV_FILETYPE_CHARACTER_DEVICE = 2,
  WV_FILETYPE_DIRECTORY = 3,
  WV_FILETYPE_REGULAR_FILE = 4,
  WV_FILETYPE_SOCKET_DGRAM = 5,
  WV_FILETYPE_SOCKET_STREAM = 6,
  WV_FILETYPE_SYMBOLIC_LINK = 7,
} wv_filetype;

/* fdflags */
enum {
  WV_FDFLAGS_APPEND = 1 << 0,
  WV_FDFLAGS_DSYNC = 1 << 1,
  WV_FDFLAGS_NONBLOCK = 1 << 2,
  WV_FDFLAGS_RSYNC = 1 << 3,
  WV_FDFLAGS_SYNC = 1 << 4,
  WV_FDFLAGS_ALL = 0x1f,
};

/* lookupflags, oflags, fstflags, subclockflags, whence, riflags, sdflags */
enum {
  WV_LOOKUP_SYMLINK_FOLLOW = 1 << 0,

  WV_OFLAGS_CREAT = 1 << 0,
  WV_OFLAGS_DIRECTORY = 1 << 1,
  WV_OFLAGS_EXCL = 1 << 2,
  WV_OFLAGS_TRUNC = 1 << 3,
  WV_OFLAGS_ALL = 0xf,

  WV_FSTFLAGS_ATIM = 1 << 0,
  WV_FSTFLAGS_ATIM_NOW = 1 << 1,
  WV_FSTFLAGS_MTIM = 1 << 2,
  WV_FSTFLAGS_MTIM_NOW = 1 << 3,
  WV_FSTFLAGS_ALL = 0xf,

  WV_SUBCLOCK_ABSTIME = 1 << 0,

  WV_WHENCE_SET = 0,
  WV_WHENCE_CUR = 1,
  WV_WHENCE_END = 2,

  WV_RIFLAGS_PEEK = 1 << 0,
  WV_RIFLAGS_WAITALL = 1 << 1,
  WV_ROFLAGS_DATA_TRUNCATED = 1 << 0,

  WV_SDFLAGS_RD = 1 << 0,
  WV_SDFLAGS_WR = 1 << 1,
};

/* rights */
#define WV_RIGHTS_FD_DATASYNC (UINT64_C(1) << 0)
#define WV_RIGHTS_FD_READ (UINT64_C(1) << 1)
#define WV_RIGHTS_FD_SEEK (UINT64_C(1) << 2)
#define WV_RIGHTS_FD_FDSTAT_SET_FLAGS (UINT64_C(1) << 3)
#define WV_RIGHTS_FD_SYNC (UINT64_C(1) << 4)
#define WV_RIGHTS_FD_TELL (UINT64_C(1) << 5)
#define WV_RIGHTS_FD_WRITE (UINT64_C(1) << 6)
#define WV_RIGHTS_FD_ADVISE (UINT64_C(1) << 7)
#define WV_RIGHTS_FD_ALLOCATE (UINT64_C(1) << 8)
#define WV_RIGHTS_PATH_CREATE_DIRECTORY (UINT64_C(1) << 9)
#define WV_RIGHTS_PATH_CREATE_FILE (UINT64_C(1) << 10)
#define WV_RIGHTS_PATH_LINK_SOURCE (UINT64_C(1) << 11)
#define WV_RIGHTS_PATH_LINK_TARGET (UINT64_C(1) << 12)
#define WV_RIGHTS_PATH_OPEN (UINT64_C(1) << 13)
#define WV_RIGHTS_FD_READDIR (UINT64_C(1) << 14)
#define WV_RIGHTS_PATH_READLINK (UINT64_C(1) << 15)
#define WV_RIGHTS_PATH_RENAME_SOURCE (UINT64_C(1) << 16)
#define WV_RIGHTS_PATH_RENAME_TARGET (UINT64_C(1) << 17)
#define WV_RIGHTS_PATH_FILESTAT_GET (UINT64_C(1) << 18)
#define WV_RIGHTS_PATH_FILESTAT_SET_SIZE (UINT64_C(1) << 19)
#define WV_RIGHTS_PATH_FILESTAT_SET_TIMES (UINT64_C(1) << 20)
#define WV_RIGHTS_FD_FILESTAT_GET (UINT64_C(1) << 21)
#define WV_RIGHTS_FD_FILESTAT_SET_SIZE (UINT64_C(1) << 22)
#define WV_RIGHTS_FD_FILESTAT_SET_TIMES (UINT64_C(1) << 23)
#define WV_RIGHTS_PATH_SYMLINK (UINT64_C(1) << 24)
#define WV_RIGHTS_PATH_REMOVE_DIRECTORY (UINT64_C(1) << 25)
#define WV_RIGHTS_PATH_UNLINK_FILE (UINT64_C(1) << 26)
#define WV_RIGHTS_POLL_FD_READWRITE (UINT64_C(1) << 27)
#define WV_RIGHTS_SOCK_SHUTDOWN (UINT64_C(1) << 28)
#define WV_RIGHTS_SOCK_ACCEPT (UINT64_C(1) << 29)
#define WV_RIGHTS_ALL ((UINT64_C(1) << 30) - 1)

/* Sizes, in bytes, of structures in the guest's memory. */
#define WV_FDSTAT_SIZE 24
#define WV_FILESTAT_SIZE 64
#define WV_PRESTAT_SIZE 8
#define WV_DIRENT_SIZE 24
#define WV_SUBSCRIPTION_SIZE 48
#define WV_EVENT_SIZE 32

/* A scatter/gather element, iovec or ciovec, in the guest's layout: two
 * little-endian u32. */
typedef struct wv_iovec {
  uint32_t buf;
  uint32_t buf_len;
} wv_iovec;

_Static_assert(sizeof(wv_iovec) == 8, "iovec is 8 bytes");
_Static_assert(offsetof(wv_iovec, buf) == 0, "iovec.buf is at 0");
_Static_assert(offsetof(wv_iovec, buf_len) == 4, "iovec.buf_len is at 4");

#endif
