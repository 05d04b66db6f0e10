/* The system calls that the core makes, and the seam to the platform: what is
 * above it knows no platform, a descriptor is a number and a path is bytes. A
 * test harness links its own.
 *
 * The calls return as POSIX has it: -1 and errno on failure. What is opened is
 * closed on exec. */
#ifndef WV_SYS_H
#define WV_SYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

#include "wasi.h"

/* Reading and writing: sys_posix.c. */

ssize_t wv_sys_read(int fd, void *buf, size_t len);
ssize_t wv_sys_readv(int fd, const struct iovec *iov, int count);
ssize_t wv_sys_pread(int fd, void *buf, size_t len, int64_t offset);
ssize_t wv_sys_preadv(int fd, const struct iovec *iov, int count,
                      int64_t offset);
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

/* Sends or receives on a socket. MSG_NOSIGNAL is always set. */
enum {
  WV_SYS_MSG_DONTWAIT = 1 << 0, /* whatever the socket's own mode is */
  WV_SYS_MSG_PEEK = 1 << 1,
};
ssize_t wv_sys_send(int fd, const struct iovec *iov, int count, int flags);
ssize_t wv_sys_recv(int fd, const struct iovec *iov, int count, int flags,
                    bool *truncated);
int wv_sys_shutdown(int fd, bool read, bool write);
/* A connection of a listening socket, non-blocking. */
int wv_sys_accept(int fd);

/* Writes or reads where a pipe stands, and never waits, whatever its mode is.
 * EOPNOTSUPP, EINVAL or ENOSYS where the system cannot: pwritev2(RWF_NOWAIT)
 * on a pipe needs Linux 6.4. */
ssize_t wv_sys_write_nowait(int fd, const struct iovec *iov, int count);
ssize_t wv_sys_read_nowait(int fd, const struct iovec *iov, int count);

/* Opens what `fd` is once more, non-blocking, on a description of its own, for
 * what `fd` is open for. Never the master of a pseudoterminal: that would make
 * a new one. */
int wv_sys_reopen(int fd);

/* How many bytes a stream that poll(2) calls writable takes without waiting.
 * SIZE_MAX for what has no room to wait for, such as most devices. */
size_t wv_sys_sure_room(int fd);

/* Descriptors: sys_posix.c. */

typedef struct wv_sys_stat {
  uint64_t dev;
  uint64_t ino;
  uint64_t nlink;
  uint64_t size;
  uint64_t atim; /* nanoseconds since 1970 */
  uint64_t mtim;
  uint64_t ctim;
  wv_filetype filetype; /* SOCKET_STREAM for a pipe or FIFO too */
  bool is_pipe;
} wv_sys_stat;

int wv_sys_fstat(int fd, wv_sys_stat *stat);
bool wv_sys_is_terminal(int fd);

/* What fcntl(F_GETFL) says. */
enum {
  WV_SYS_READABLE = 1 << 0,
  WV_SYS_WRITABLE = 1 << 1,
  WV_SYS_APPEND = 1 << 2,
  WV_SYS_DSYNC = 1 << 3,
  WV_SYS_SYNC = 1 << 4,
};

/* A set of the flags above, or -1. */
int wv_sys_flags(int fd);
/* Sets or clears O_APPEND of a description that is ours. */
int wv_sys_set_append(int fd, bool append);

int64_t wv_sys_seek(int fd, int64_t offset, int whence); /* WV_WHENCE_* */
int wv_sys_truncate(int fd, uint64_t size);
/* ENOTSUP where the system or the file system has none. */
int wv_sys_allocate(int fd, uint64_t offset, uint64_t len);
int wv_sys_advise(int fd, uint64_t offset, uint64_t len, uint8_t advice);
int wv_sys_sync(int fd);
int wv_sys_datasync(int fd);

/* A time to set: nanoseconds since 1970, or one of these. */
#define WV_SYS_TIME_NOW (UINT64_MAX)
#define WV_SYS_TIME_OMIT (UINT64_MAX - 1)
int wv_sys_set_times(int fd, uint64_t atim, uint64_t mtim);

int wv_sys_close(int fd);
/* Where a closed pipe or a size limit would end the process, it becomes an
 * errno: SIGPIPE and SIGXFSZ are ignored from then on, unless the host has
 * handlers. */
void wv_sys_ignore_write_signals(void);

/* Half of the descriptors that this process may have. */
uint32_t wv_sys_half_of_limit(void);

/* The entries of a directory, in the order of the system: sys_posix_dir.c. */

typedef struct wv_sys_dirent {
  uint64_t ino;
  uint64_t next; /* the cookie of what comes behind it; never 0 */
  wv_filetype filetype;
  uint32_t name_len;
  const char *name; /* good until the next call for the same directory */
} wv_sys_dirent;

typedef struct wv_sys_directory wv_sys_directory;

/* Opens the directory of `fd` once more, on a descriptor of its own. NULL and
 * errno on failure. */
wv_sys_directory *wv_sys_directory_open(int fd);
/* 1, and an entry; 0 at the end; or -1. */
int wv_sys_directory_next(wv_sys_directory *directory, wv_sys_dirent *entry);
/* Moves to a cookie; 0 is the beginning. */
int wv_sys_directory_seek(wv_sys_directory *directory, uint64_t cookie);
void wv_sys_directory_close(wv_sys_directory *directory);

/* Waiting and time: sys_posix_wait.c. */

enum {
  WV_SYS_POLL_READ = 1 << 0,
  WV_SYS_POLL_WRITE = 1 << 1,
  WV_SYS_POLL_HANGUP = 1 << 2, /* out alone, as those below */
  WV_SYS_POLL_ERROR = 1 << 3,
  WV_SYS_POLL_INVALID = 1 << 4, /* not open */
  WV_SYS_POLL_END = 1 << 5,     /* of a READ: the peer sends no more */
};
typedef struct wv_sys_pollfd {
  int fd;
  uint8_t events;
  uint8_t ready;
} wv_sys_pollfd;

/* Waits until one is ready. `timeout` is in nanoseconds, -1 for no limit; it
 * never returns earlier. How many are ready, 0: time is up. */
int wv_sys_poll(wv_sys_pollfd *fds, uint32_t count, int64_t timeout);

/* How many bytes can be read at once, or -1. */
int64_t wv_sys_readable(int fd);

/* Does the socket listen? accept(2) fails at once on one that does not. */
bool wv_sys_is_listening(int fd);

/* Whether the read end of a pipe has a writer or data, without taking any:
 * 1 data, 0 a writer and no data, -1 neither; -2 where it cannot be told. */
int wv_sys_pipe_state(int fd);

/* `id` is WV_CLOCK_*: nanoseconds. */
int wv_sys_clock(uint32_t id, uint64_t *now);
int wv_sys_clock_resolution(uint32_t id, uint64_t *resolution);
int wv_sys_random(void *buf, size_t len);
void wv_sys_yield(void);

/* Paths: sys_posix_path.c. `name` is one component with a NUL, "." or a name
 * without a slash, unless it says otherwise. A symbolic link as the last
 * component is never followed. */

enum {
  WV_SYS_OPEN_READ = 1 << 0,
  WV_SYS_OPEN_WRITE = 1 << 1,
  WV_SYS_OPEN_APPEND = 1 << 2,
  WV_SYS_OPEN_DSYNC = 1 << 3,
  WV_SYS_OPEN_SYNC = 1 << 4,
  WV_SYS_OPEN_CREATE = 1 << 5,
  WV_SYS_OPEN_EXCLUSIVE = 1 << 6,
  WV_SYS_OPEN_TRUNCATE = 1 << 7,
  WV_SYS_OPEN_DIRECTORY = 1 << 8,
  WV_SYS_OPEN_HANDLE = 1 << 9,  /* for *at calls and stat alone: O_PATH */
  WV_SYS_OPEN_FOLLOW = 1 << 10, /* wv_sys_open_beneath alone */
};

/* Opens without blocking and without a controlling terminal. ELOOP for a
 * symbolic link (ENOTDIR with DIRECTORY). */
int wv_sys_open_at(int dir, const char *name, int flags);

/* The whole `path`, of any number of components, below `dir`: openat2 with
 * RESOLVE_BENEATH and RESOLVE_NO_MAGICLINKS. ENOSYS where the system has none
 * or forbids it; EXDEV and EAGAIN are no answer. */
int wv_sys_open_beneath(int dir, const char *path, int flags);

/* The null device, to read or to write. */
int wv_sys_open_null(bool write);

/* A file without a name that has these bytes, at its beginning. */
int wv_sys_open_bytes(const uint8_t *bytes, uint64_t len);

/* The preopen of a host: `path` is any path, links are followed. */
int wv_sys_open_directory(const char *path);

int wv_sys_stat_at(int dir, const char *name, wv_sys_stat *stat);
ssize_t wv_sys_readlink_at(int dir, const char *name, char *buf, size_t len);
int wv_sys_mkdir_at(int dir, const char *name);
int wv_sys_rmdir_at(int dir, const char *name);
int wv_sys_unlink_at(int dir, const char *name);
int wv_sys_rename_at(int from_dir, const char *from, int to_dir,
                     const char *to);
int wv_sys_link_at(int from_dir, const char *from, int to_dir, const char *to);
int wv_sys_symlink_at(const char *target, int dir, const char *name);
int wv_sys_set_times_at(int dir, const char *name, uint64_t atim,
                        uint64_t mtim);

/* Locks: sys_posix_lock.c. NULL stands for none, and takes no time. */

typedef struct wv_sys_mutex wv_sys_mutex;

/* NULL: no memory. */
wv_sys_mutex *wv_sys_mutex_new(void);
void wv_sys_mutex_free(wv_sys_mutex *mutex);
/* The one of the process. */
wv_sys_mutex *wv_sys_process_mutex(void);
void wv_sys_mutex_lock(wv_sys_mutex *mutex);
void wv_sys_mutex_unlock(wv_sys_mutex *mutex);

static inline void wv_sys_lock(wv_sys_mutex *mutex) {
  if (mutex != NULL) wv_sys_mutex_lock(mutex);
}

static inline void wv_sys_unlock(wv_sys_mutex *mutex) {
  if (mutex != NULL) wv_sys_mutex_unlock(mutex);
}

#endif
