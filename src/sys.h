/* The system calls of the core, and its seam to the platform. The code above
 * knows no platform: a descriptor is a number, a path is bytes. A test harness
 * links its own.
 *
 * As in POSIX, failure is -1 and errno. Descriptors are opened with
 * close-on-exec. */
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

/* Writes at `offset` of a file opened to append: pwritev2(RWF_NOAPPEND), of
 * Linux 6.9. Elsewhere pwrite, which writes at the offset under POSIX but
 * appends on Linux. */
ssize_t wv_sys_pwritev_noappend(int fd, const struct iovec *iov, int count,
                                int64_t offset);

/* Sends or receives on a socket. MSG_NOSIGNAL is always set. */
enum {
  WV_SYS_MSG_DONTWAIT = 1 << 0, /* whatever the mode of the socket */
  WV_SYS_MSG_PEEK = 1 << 1,
};
ssize_t wv_sys_send(int fd, const struct iovec *iov, int count, int flags);
ssize_t wv_sys_recv(int fd, const struct iovec *iov, int count, int flags,
                    bool *truncated);
int wv_sys_shutdown(int fd, bool read, bool write);
/* Accepts a connection; its socket is non-blocking. */
int wv_sys_accept(int fd);

/* Writes or reads at the position of a pipe and never waits, whatever its mode.
 * EOPNOTSUPP, EINVAL or ENOSYS where the system cannot: pwritev2(RWF_NOWAIT) on
 * a pipe needs Linux 6.4. */
ssize_t wv_sys_write_nowait(int fd, const struct iovec *iov, int count);
ssize_t wv_sys_read_nowait(int fd, const struct iovec *iov, int count);

/* Opens the file of `fd` again with the same access mode, to get a non-blocking
 * description. Fails for the master of a pseudoterminal: an open would create
 * another. */
int wv_sys_reopen(int fd);

/* How many bytes can be written without waiting once poll(2) reports room.
 * SIZE_MAX for a file that never waits for room, such as most devices. */
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

/* The flags of fcntl(F_GETFL). */
enum {
  WV_SYS_READABLE = 1 << 0,
  WV_SYS_WRITABLE = 1 << 1,
  WV_SYS_APPEND = 1 << 2,
  WV_SYS_DSYNC = 1 << 3,
  WV_SYS_SYNC = 1 << 4,
};

/* A set of these flags, or -1. */
int wv_sys_flags(int fd);
/* Sets or clears O_APPEND on a description of our own. */
int wv_sys_set_append(int fd, bool append);

int64_t wv_sys_seek(int fd, int64_t offset, int whence); /* WV_WHENCE_* */
int wv_sys_truncate(int fd, uint64_t size);
/* ENOTSUP where the system or the file system cannot do it. */
int wv_sys_allocate(int fd, uint64_t offset, uint64_t len);
int wv_sys_advise(int fd, uint64_t offset, uint64_t len, uint8_t advice);
int wv_sys_sync(int fd);
int wv_sys_datasync(int fd);

/* A time to set: nanoseconds since 1970, or one of these. */
#define WV_SYS_TIME_NOW (UINT64_MAX)
#define WV_SYS_TIME_OMIT (UINT64_MAX - 1)
int wv_sys_set_times(int fd, uint64_t atim, uint64_t mtim);

int wv_sys_close(int fd);
/* A pipe; neither end blocks. */
int wv_sys_pipe(int ends[2]);
/* Makes writes to a closed pipe or beyond the file size limit fail with an
 * errno: ignores SIGPIPE and SIGXFSZ, unless the host handles them. */
void wv_sys_ignore_write_signals(void);

/* Half of the process's limit of open files. */
uint32_t wv_sys_half_of_limit(void);

/* The entries of a directory, in the order of the system: sys_posix_dir.c. */

typedef struct wv_sys_dirent {
  uint64_t ino;
  uint64_t next; /* the cookie of the entry after it; never 0 */
  wv_filetype filetype;
  uint32_t name_len;
  const char *name; /* valid until the next call for the same directory */
} wv_sys_dirent;

typedef struct wv_sys_directory wv_sys_directory;

/* Opens the directory of `fd` again, with a description of its own. NULL and
 * errno on failure. */
wv_sys_directory *wv_sys_directory_open(int fd);
/* Returns 1 and an entry, 0 at the end, or -1. */
int wv_sys_directory_next(wv_sys_directory *directory, wv_sys_dirent *entry);
/* Moves to the entry with this cookie; 0 is the beginning. */
int wv_sys_directory_seek(wv_sys_directory *directory, uint64_t cookie);
void wv_sys_directory_close(wv_sys_directory *directory);

/* Waiting and time: sys_posix_wait.c. */

enum {
  WV_SYS_POLL_READ = 1 << 0,
  WV_SYS_POLL_WRITE = 1 << 1,
  WV_SYS_POLL_HANGUP = 1 << 2, /* this and those below are results only */
  WV_SYS_POLL_ERROR = 1 << 3,
  WV_SYS_POLL_INVALID = 1 << 4, /* not open */
  WV_SYS_POLL_END = 1 << 5,     /* for READ: the peer sends no more */
};
typedef struct wv_sys_pollfd {
  int fd;
  uint8_t events;
  uint8_t ready;
} wv_sys_pollfd;

/* Waits until a descriptor is ready. `timeout` is in nanoseconds, -1 for no
 * limit; it never ends early. Returns how many are ready, 0: time is up. */
int wv_sys_poll(wv_sys_pollfd *fds, uint32_t count, int64_t timeout);

/* How many bytes can be read at once, or -1. */
int64_t wv_sys_readable(int fd);

/* Does the socket listen? accept(2) fails at once on one that does not. */
bool wv_sys_is_listening(int fd);

/* The state of the read end of a pipe, found without taking data: 1 data, 0 a
 * writer but no data, -1 neither, -2 unknown. */
int wv_sys_pipe_state(int fd);

/* `id` is WV_CLOCK_*. Times are in nanoseconds. */
int wv_sys_clock(uint32_t id, uint64_t *now);
int wv_sys_clock_resolution(uint32_t id, uint64_t *resolution);
int wv_sys_random(void *buf, size_t len);
void wv_sys_yield(void);

/* Paths: sys_posix_path.c. Unless noted otherwise, `name` is a single component
 * with a NUL: "." or a name without a slash. A symbolic link as the last
 * component is not followed. */

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
  WV_SYS_OPEN_HANDLE = 1 << 9,  /* O_PATH: for *at calls and stat only */
  WV_SYS_OPEN_FOLLOW = 1 << 10, /* only for wv_sys_open_beneath */
};

/* Opens without blocking and without a controlling terminal. ELOOP for a
 * symbolic link (ENOTDIR with DIRECTORY). */
int wv_sys_open_at(int dir, const char *name, int flags);

/* Opens `path`, of any number of components, below `dir` by openat2 with
 * RESOLVE_BENEATH and RESOLVE_NO_MAGICLINKS.
 * ENOSYS: missing or forbidden. EXDEV or EAGAIN: no answer. */
int wv_sys_open_beneath(int dir, const char *path, int flags);

int wv_sys_open_null(bool write);

/* Opens an unnamed file with these bytes, at its beginning. */
int wv_sys_open_bytes(const uint8_t *bytes, uint64_t len);

/* Opens a preopen for the host: `path` is any path, and links are followed. */
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

/* Locks: sys_posix_lock.c. A NULL mutex is no lock, and costs nothing. */

typedef struct wv_sys_mutex wv_sys_mutex;

/* NULL: no memory. */
wv_sys_mutex *wv_sys_mutex_new(void);
void wv_sys_mutex_free(wv_sys_mutex *mutex);
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
