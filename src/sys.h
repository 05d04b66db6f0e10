/* The system calls that the core makes. A test harness links its own.
 *
 * The calls return as POSIX has it: -1 and errno on failure. */
#ifndef WV_SYS_H
#define WV_SYS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

ssize_t wv_sys_write(int fd, const void *buf, size_t len);
ssize_t wv_sys_writev(int fd, const struct iovec *iov, int count);
ssize_t wv_sys_pwrite(int fd, const void *buf, size_t len, int64_t offset);
ssize_t wv_sys_pwritev(int fd, const struct iovec *iov, int count,
                       int64_t offset);

/* Writes at `offset` of a file that was opened to append.
 *
 * pwritev2(RWF_NOAPPEND) where the kernel has it (Linux 6.9). Elsewhere what
 * pwrite does: POSIX says that it writes at the offset, Linux appends. */
ssize_t wv_sys_pwritev_noappend(int fd, const struct iovec *iov, int count,
                                int64_t offset);

/* Sends on a socket without waiting, whatever the socket's own mode. */
ssize_t wv_sys_send_nowait(int fd, const struct iovec *iov, int count);

/* Waits until `fd` takes bytes or has failed. `timeout` is in milliseconds, -1
 * for no limit. 1: ready, 0: time is up, -1 and errno (EINTR among them). */
int wv_sys_wait_writable(int fd, int timeout);

/* How many bytes a stream that poll(2) calls writable takes without waiting.
 * SIZE_MAX for what has no room to wait for, such as most devices. */
size_t wv_sys_sure_room(int fd);

/* Milliseconds of a clock that only goes forward. */
int64_t wv_sys_now(void);

/* What fcntl(F_GETFL) says that a writer must know. */
enum {
  WV_SYS_WRITABLE = 1 << 0,
  WV_SYS_NONBLOCK = 1 << 1,
  WV_SYS_APPEND = 1 << 2,
};

/* A set of the flags above, or -1. */
int wv_sys_flags(int fd);

/* The file offset, or -1 where there is none. */
int64_t wv_sys_offset(int fd);

/* Moves the file offset. 0, or -1. */
int wv_sys_move(int fd, int64_t distance);

typedef enum wv_sys_kind {
  WV_SYS_FILE,
  WV_SYS_SOCKET,
  WV_SYS_OTHER,
} wv_sys_kind;

/* What the descriptor is: -1 and errno, or 0. */
int wv_sys_stat_kind(int fd, wv_sys_kind *kind);

/* A copy that shares the open file description and is closed on exec. */
int wv_sys_dup(int fd);
void wv_sys_close(int fd);

/* Opens /dev/null. -1 and errno on failure. */
int wv_sys_open_null(void);

/* Calls `visit` with each open descriptor of the process until it returns
 * false. -1 when they cannot be listed. */
int wv_sys_each_fd(bool (*visit)(void *data, int fd), void *data);

#endif
