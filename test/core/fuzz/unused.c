/* What guest.c and fd_table.c link with and no input calls: the calls that
 * write nothing, and what goes with them. */
#include <stdlib.h>

#define UNUSED(name) \
  void name(void);   \
  void name(void) {  \
    abort();         \
  }

UNUSED(wv_args_get)
UNUSED(wv_args_sizes_get)
UNUSED(wv_clock_res_get)
UNUSED(wv_clock_time_get)
UNUSED(wv_environ_get)
UNUSED(wv_environ_sizes_get)
UNUSED(wv_fd_advise)
UNUSED(wv_fd_allocate)
UNUSED(wv_fd_close)
UNUSED(wv_fd_datasync)
UNUSED(wv_fd_fdstat_get)
UNUSED(wv_fd_fdstat_set_flags)
UNUSED(wv_fd_fdstat_set_rights)
UNUSED(wv_fd_filestat_get)
UNUSED(wv_fd_filestat_set_size)
UNUSED(wv_fd_filestat_set_times)
UNUSED(wv_fd_pread)
UNUSED(wv_fd_prestat_dir_name)
UNUSED(wv_fd_prestat_get)
UNUSED(wv_fd_read)
UNUSED(wv_fd_readdir)
UNUSED(wv_fd_renumber)
UNUSED(wv_fd_seek)
UNUSED(wv_fd_sync)
UNUSED(wv_fd_tell)
UNUSED(wv_path_create_directory)
UNUSED(wv_path_filestat_get)
UNUSED(wv_path_filestat_set_times)
UNUSED(wv_path_link)
UNUSED(wv_path_open)
UNUSED(wv_path_readlink)
UNUSED(wv_path_remove_directory)
UNUSED(wv_path_rename)
UNUSED(wv_path_symlink)
UNUSED(wv_path_unlink_file)
UNUSED(wv_poll_oneoff)
UNUSED(wv_proc_raise)
UNUSED(wv_random_get)
UNUSED(wv_sched_yield)
UNUSED(wv_sock_accept)
UNUSED(wv_sock_recv)
UNUSED(wv_sock_send)
UNUSED(wv_sock_shutdown)
UNUSED(wv_capture_room)
UNUSED(wv_capture_write)
UNUSED(wv_sys_mutex_lock)
UNUSED(wv_sys_mutex_new)
UNUSED(wv_sys_mutex_unlock)
UNUSED(wv_sys_pipe_state)
UNUSED(wv_sys_pread)
UNUSED(wv_sys_preadv)
UNUSED(wv_sys_process_mutex)
UNUSED(wv_sys_read)
UNUSED(wv_sys_read_nowait)
UNUSED(wv_sys_readv)
UNUSED(wv_sys_recv)

/* No table of the fuzzer is shared. */
void wv_sys_mutex_free(void *mutex);
void wv_sys_mutex_free(void *mutex) {
  if (mutex != NULL) abort();
}

/* No entry of the fuzzer has a directory. */
void wv_directory_free(void *directory);
void wv_directory_free(void *directory) {
  if (directory != NULL) abort();
}
