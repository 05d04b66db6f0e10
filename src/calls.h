/* The calls of preview1. Made by scripts/build-calls.js. */
#ifndef WV_CALLS_H
#define WV_CALLS_H

#include "abi.h"
#include "guest.h"

/* clang-format off */
enum wv_op {
  WV_OP_ARGS_GET = 0,
  WV_OP_ARGS_SIZES_GET = 1,
  WV_OP_CLOCK_RES_GET = 2,
  WV_OP_CLOCK_TIME_GET = 3,
  WV_OP_ENVIRON_GET = 4,
  WV_OP_ENVIRON_SIZES_GET = 5,
  WV_OP_FD_ADVISE = 6,
  WV_OP_FD_ALLOCATE = 7,
  WV_OP_FD_CLOSE = 8,
  WV_OP_FD_DATASYNC = 9,
  WV_OP_FD_FDSTAT_GET = 10,
  WV_OP_FD_FDSTAT_SET_FLAGS = 11,
  WV_OP_FD_FDSTAT_SET_RIGHTS = 12,
  WV_OP_FD_FILESTAT_GET = 13,
  WV_OP_FD_FILESTAT_SET_SIZE = 14,
  WV_OP_FD_FILESTAT_SET_TIMES = 15,
  WV_OP_FD_PREAD = 16,
  WV_OP_FD_PRESTAT_DIR_NAME = 17,
  WV_OP_FD_PRESTAT_GET = 18,
  WV_OP_FD_PWRITE = 19,
  WV_OP_FD_READ = 20,
  WV_OP_FD_READDIR = 21,
  WV_OP_FD_RENUMBER = 22,
  WV_OP_FD_SEEK = 23,
  WV_OP_FD_SYNC = 24,
  WV_OP_FD_TELL = 25,
  WV_OP_FD_WRITE = 26,
  WV_OP_PATH_CREATE_DIRECTORY = 27,
  WV_OP_PATH_FILESTAT_GET = 28,
  WV_OP_PATH_FILESTAT_SET_TIMES = 29,
  WV_OP_PATH_LINK = 30,
  WV_OP_PATH_OPEN = 31,
  WV_OP_PATH_READLINK = 32,
  WV_OP_PATH_REMOVE_DIRECTORY = 33,
  WV_OP_PATH_RENAME = 34,
  WV_OP_PATH_SYMLINK = 35,
  WV_OP_PATH_UNLINK_FILE = 36,
  WV_OP_POLL_ONEOFF = 37,
  WV_OP_PROC_EXIT = 38,
  WV_OP_PROC_RAISE = 39,
  WV_OP_RANDOM_GET = 40,
  WV_OP_SCHED_YIELD = 41,
  WV_OP_SOCK_ACCEPT = 42,
  WV_OP_SOCK_RECV = 43,
  WV_OP_SOCK_SEND = 44,
  WV_OP_SOCK_SHUTDOWN = 45,
  WV_OP_BUFFERED_WRITE = 46,
  WV_OP_BUFFERED_PWRITE = 47,
  WV_OP_FLUSH = 48,
  WV_OP_FLUSH_BEFORE = 49,
  WV_OP_RESUME = 50,
  WV_OP_SET_MEMORY = 51,
  WV_OP_SET_ARGS = 52,
  WV_OP_SET_ENVIRON = 53,
  WV_OP_SET_BUFFER = 54,
  WV_OP_INSERT = 55,
  WV_OP_INSERT_BYTES = 56,
  WV_OP_PREOPEN = 57,
  WV_OP_REMOVE = 58,
  WV_OP_REMOVE_TARGET = 59,
  WV_OP_DESCRIBE = 60,
  WV_OP_UNFLUSHED = 61,
  WV_OP_TAKEN = 62,
  WV_OP_GIVE_BACK = 63,
  WV_OP_DISCARD = 64,
  WV_OP_CAPTURE_SIZE = 65,
  WV_OP_CAPTURE_READ = 66,
  WV_OP_FREE_CAPTURES = 67,
  WV_OP_STATS = 68,
  WV_OP_CLOSE = 69,
  WV_OP_RUN_OPEN = 70,
  WV_OP_RUN_JOIN = 71,
  WV_OP_RUN_FLUSH = 72,
  WV_OP_RUN_END = 73,
  WV_OP_RUN_CLOSE = 74,
  WV_OP_RUN_HAND_OVER = 75,
};

wv_errno wv_args_get(wv_guest *, uint32_t, uint32_t);
wv_errno wv_args_sizes_get(wv_guest *, uint32_t, uint32_t);
wv_errno wv_clock_res_get(wv_guest *, uint32_t, uint32_t);
wv_errno wv_clock_time_get(wv_guest *, uint32_t, uint64_t, uint32_t);
wv_errno wv_environ_get(wv_guest *, uint32_t, uint32_t);
wv_errno wv_environ_sizes_get(wv_guest *, uint32_t, uint32_t);
wv_errno wv_fd_advise(wv_guest *, uint32_t, uint64_t, uint64_t, uint32_t);
wv_errno wv_fd_allocate(wv_guest *, uint32_t, uint64_t, uint64_t);
wv_errno wv_fd_close(wv_guest *, uint32_t);
wv_errno wv_fd_datasync(wv_guest *, uint32_t);
wv_errno wv_fd_fdstat_get(wv_guest *, uint32_t, uint32_t);
wv_errno wv_fd_fdstat_set_flags(wv_guest *, uint32_t, uint32_t);
wv_errno wv_fd_fdstat_set_rights(wv_guest *, uint32_t, uint64_t, uint64_t);
wv_errno wv_fd_filestat_get(wv_guest *, uint32_t, uint32_t);
wv_errno wv_fd_filestat_set_size(wv_guest *, uint32_t, uint64_t);
wv_errno wv_fd_filestat_set_times(wv_guest *, uint32_t, uint64_t, uint64_t, uint32_t);
wv_errno wv_fd_pread(wv_guest *, uint32_t, uint32_t, uint32_t, uint64_t, uint32_t);
wv_errno wv_fd_prestat_dir_name(wv_guest *, uint32_t, uint32_t, uint32_t);
wv_errno wv_fd_prestat_get(wv_guest *, uint32_t, uint32_t);
wv_errno wv_fd_pwrite(wv_guest *, uint32_t, uint32_t, uint32_t, uint64_t, uint32_t);
wv_errno wv_fd_read(wv_guest *, uint32_t, uint32_t, uint32_t, uint32_t);
wv_errno wv_fd_readdir(wv_guest *, uint32_t, uint32_t, uint32_t, uint64_t, uint32_t);
wv_errno wv_fd_renumber(wv_guest *, uint32_t, uint32_t);
wv_errno wv_fd_seek(wv_guest *, uint32_t, uint64_t, uint32_t, uint32_t);
wv_errno wv_fd_sync(wv_guest *, uint32_t);
wv_errno wv_fd_tell(wv_guest *, uint32_t, uint32_t);
wv_errno wv_fd_write(wv_guest *, uint32_t, uint32_t, uint32_t, uint32_t);
wv_errno wv_path_create_directory(wv_guest *, uint32_t, uint32_t, uint32_t);
wv_errno wv_path_filestat_get(wv_guest *, uint32_t, uint32_t, uint32_t, uint32_t, uint32_t);
wv_errno wv_path_filestat_set_times(wv_guest *, uint32_t, uint32_t, uint32_t, uint32_t, uint64_t, uint64_t, uint32_t);
wv_errno wv_path_link(wv_guest *, uint32_t, uint32_t, uint32_t, uint32_t, uint32_t, uint32_t, uint32_t);
wv_errno wv_path_open(wv_guest *, uint32_t, uint32_t, uint32_t, uint32_t, uint32_t, uint64_t, uint64_t, uint32_t, uint32_t);
wv_errno wv_path_readlink(wv_guest *, uint32_t, uint32_t, uint32_t, uint32_t, uint32_t, uint32_t);
wv_errno wv_path_remove_directory(wv_guest *, uint32_t, uint32_t, uint32_t);
wv_errno wv_path_rename(wv_guest *, uint32_t, uint32_t, uint32_t, uint32_t, uint32_t, uint32_t);
wv_errno wv_path_symlink(wv_guest *, uint32_t, uint32_t, uint32_t, uint32_t, uint32_t);
wv_errno wv_path_unlink_file(wv_guest *, uint32_t, uint32_t, uint32_t);
wv_errno wv_poll_oneoff(wv_guest *, uint32_t, uint32_t, uint32_t, uint32_t);
wv_errno wv_proc_raise(wv_guest *, uint32_t);
wv_errno wv_random_get(wv_guest *, uint32_t, uint32_t);
wv_errno wv_sched_yield(wv_guest *);
wv_errno wv_sock_accept(wv_guest *, uint32_t, uint32_t, uint32_t);
wv_errno wv_sock_recv(wv_guest *, uint32_t, uint32_t, uint32_t, uint32_t, uint32_t, uint32_t);
wv_errno wv_sock_send(wv_guest *, uint32_t, uint32_t, uint32_t, uint32_t, uint32_t);
wv_errno wv_sock_shutdown(wv_guest *, uint32_t, uint32_t);

/* The dispatch: A(n) and W(n) are the n-th argument of 32 and of 64 bits. */
#define WV_DISPATCH_CALLS \
  case WV_OP_ARGS_GET: return wv_args_get(guest, A(0), A(1)); \
  case WV_OP_ARGS_SIZES_GET: return wv_args_sizes_get(guest, A(0), A(1)); \
  case WV_OP_CLOCK_RES_GET: return wv_clock_res_get(guest, A(0), A(1)); \
  case WV_OP_CLOCK_TIME_GET: return wv_clock_time_get(guest, A(0), W(0), A(1)); \
  case WV_OP_ENVIRON_GET: return wv_environ_get(guest, A(0), A(1)); \
  case WV_OP_ENVIRON_SIZES_GET: return wv_environ_sizes_get(guest, A(0), A(1)); \
  case WV_OP_FD_ADVISE: return wv_fd_advise(guest, A(0), W(0), W(1), A(1)); \
  case WV_OP_FD_ALLOCATE: return wv_fd_allocate(guest, A(0), W(0), W(1)); \
  case WV_OP_FD_CLOSE: return wv_fd_close(guest, A(0)); \
  case WV_OP_FD_DATASYNC: return wv_fd_datasync(guest, A(0)); \
  case WV_OP_FD_FDSTAT_GET: return wv_fd_fdstat_get(guest, A(0), A(1)); \
  case WV_OP_FD_FDSTAT_SET_FLAGS: return wv_fd_fdstat_set_flags(guest, A(0), A(1)); \
  case WV_OP_FD_FDSTAT_SET_RIGHTS: return wv_fd_fdstat_set_rights(guest, A(0), W(0), W(1)); \
  case WV_OP_FD_FILESTAT_GET: return wv_fd_filestat_get(guest, A(0), A(1)); \
  case WV_OP_FD_FILESTAT_SET_SIZE: return wv_fd_filestat_set_size(guest, A(0), W(0)); \
  case WV_OP_FD_FILESTAT_SET_TIMES: return wv_fd_filestat_set_times(guest, A(0), W(0), W(1), A(1)); \
  case WV_OP_FD_PREAD: return wv_fd_pread(guest, A(0), A(1), A(2), W(0), A(3)); \
  case WV_OP_FD_PRESTAT_DIR_NAME: return wv_fd_prestat_dir_name(guest, A(0), A(1), A(2)); \
  case WV_OP_FD_PRESTAT_GET: return wv_fd_prestat_get(guest, A(0), A(1)); \
  case WV_OP_FD_PWRITE: return wv_fd_pwrite(guest, A(0), A(1), A(2), W(0), A(3)); \
  case WV_OP_FD_READ: return wv_fd_read(guest, A(0), A(1), A(2), A(3)); \
  case WV_OP_FD_READDIR: return wv_fd_readdir(guest, A(0), A(1), A(2), W(0), A(3)); \
  case WV_OP_FD_RENUMBER: return wv_fd_renumber(guest, A(0), A(1)); \
  case WV_OP_FD_SEEK: return wv_fd_seek(guest, A(0), W(0), A(1), A(2)); \
  case WV_OP_FD_SYNC: return wv_fd_sync(guest, A(0)); \
  case WV_OP_FD_TELL: return wv_fd_tell(guest, A(0), A(1)); \
  case WV_OP_FD_WRITE: return wv_fd_write(guest, A(0), A(1), A(2), A(3)); \
  case WV_OP_PATH_CREATE_DIRECTORY: return wv_path_create_directory(guest, A(0), A(1), A(2)); \
  case WV_OP_PATH_FILESTAT_GET: return wv_path_filestat_get(guest, A(0), A(1), A(2), A(3), A(4)); \
  case WV_OP_PATH_FILESTAT_SET_TIMES: return wv_path_filestat_set_times(guest, A(0), A(1), A(2), A(3), W(0), W(1), A(4)); \
  case WV_OP_PATH_LINK: return wv_path_link(guest, A(0), A(1), A(2), A(3), A(4), A(5), A(6)); \
  case WV_OP_PATH_OPEN: return wv_path_open(guest, A(0), A(1), A(2), A(3), A(4), W(0), W(1), A(5), A(6)); \
  case WV_OP_PATH_READLINK: return wv_path_readlink(guest, A(0), A(1), A(2), A(3), A(4), A(5)); \
  case WV_OP_PATH_REMOVE_DIRECTORY: return wv_path_remove_directory(guest, A(0), A(1), A(2)); \
  case WV_OP_PATH_RENAME: return wv_path_rename(guest, A(0), A(1), A(2), A(3), A(4), A(5)); \
  case WV_OP_PATH_SYMLINK: return wv_path_symlink(guest, A(0), A(1), A(2), A(3), A(4)); \
  case WV_OP_PATH_UNLINK_FILE: return wv_path_unlink_file(guest, A(0), A(1), A(2)); \
  case WV_OP_POLL_ONEOFF: return wv_poll_oneoff(guest, A(0), A(1), A(2), A(3)); \
  case WV_OP_PROC_RAISE: return wv_proc_raise(guest, A(0)); \
  case WV_OP_RANDOM_GET: return wv_random_get(guest, A(0), A(1)); \
  case WV_OP_SCHED_YIELD: return wv_sched_yield(guest); \
  case WV_OP_SOCK_ACCEPT: return wv_sock_accept(guest, A(0), A(1), A(2)); \
  case WV_OP_SOCK_RECV: return wv_sock_recv(guest, A(0), A(1), A(2), A(3), A(4), A(5)); \
  case WV_OP_SOCK_SEND: return wv_sock_send(guest, A(0), A(1), A(2), A(3), A(4)); \
  case WV_OP_SOCK_SHUTDOWN: return wv_sock_shutdown(guest, A(0), A(1)); \
  /* end */

/* The calls that have what is buffered written first, and those where the
 * errno of that takes their place: for one fd, and for two. */
#define WV_CALLS_THAT_FLUSH \
  case WV_OP_PATH_CREATE_DIRECTORY: \
  case WV_OP_PATH_FILESTAT_GET: \
  case WV_OP_PATH_FILESTAT_SET_TIMES: \
  case WV_OP_PATH_LINK: \
  case WV_OP_PATH_OPEN: \
  case WV_OP_PATH_READLINK: \
  case WV_OP_PATH_REMOVE_DIRECTORY: \
  case WV_OP_PATH_RENAME: \
  case WV_OP_PATH_SYMLINK: \
  case WV_OP_PATH_UNLINK_FILE: \
  case WV_OP_POLL_ONEOFF: \
  case WV_OP_PROC_RAISE: \
  /* end */
#define WV_CALLS_THAT_FLUSH_ONE \
  case WV_OP_FD_ADVISE: \
  case WV_OP_FD_ALLOCATE: \
  case WV_OP_FD_DATASYNC: \
  case WV_OP_FD_FDSTAT_GET: \
  case WV_OP_FD_FDSTAT_SET_FLAGS: \
  case WV_OP_FD_FDSTAT_SET_RIGHTS: \
  case WV_OP_FD_FILESTAT_GET: \
  case WV_OP_FD_FILESTAT_SET_SIZE: \
  case WV_OP_FD_FILESTAT_SET_TIMES: \
  case WV_OP_FD_PREAD: \
  case WV_OP_FD_PRESTAT_DIR_NAME: \
  case WV_OP_FD_PRESTAT_GET: \
  case WV_OP_FD_READ: \
  case WV_OP_FD_READDIR: \
  case WV_OP_FD_SEEK: \
  case WV_OP_FD_SYNC: \
  case WV_OP_FD_TELL: \
  case WV_OP_SOCK_ACCEPT: \
  case WV_OP_SOCK_RECV: \
  case WV_OP_SOCK_SEND: \
  case WV_OP_SOCK_SHUTDOWN: \
  /* end */
#define WV_CALLS_THAT_FLUSH_TWO \
  case WV_OP_FD_RENUMBER: \
  /* end */
/* clang-format on */

#endif
