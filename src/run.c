/* A guest that one thread starts and another runs. */
#include "run.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "errno_map.h"
#include "sys.h"

struct wv_run {
  struct wv_run *next; /* under the lock of the process */
  uint32_t number;
  uint32_t holders; /* likewise */
  _Atomic bool ended;
  bool ends_when_cut;
  int ends[WV_RUN_STREAMS]; /* the host's until they are handed over, or -1 */
  uint64_t inodes[WV_RUN_STREAMS]; /* of these */
  wv_capture *captures[WV_RUN_STREAMS];
  wv_sys_mutex *mutex;       /* of what follows */
  int pipes[WV_RUN_STREAMS]; /* the guest's ends until it has them, or -1 */
  wv_buffer *buffer;         /* that is watched, or NULL */
  uint32_t seen;             /* bytes in it at the last look */
};

/* Every run of the process, under the lock of the process. */
static wv_run *all;
static uint32_t last_number;

static void free_run(wv_run *run) {
  uint32_t i;

  wv_run_close(run);
  for (i = 0; i < WV_RUN_STREAMS; i++) wv_capture_release(run->captures[i]);
  wv_sys_mutex_free(run->mutex);
  free(run);
}

/* 0: not that of a pipe. */
static uint64_t inode_of(int fd) {
  wv_sys_stat stat;

  return wv_sys_fstat(fd, &stat) == 0 && stat.is_pipe ? stat.ino : 0;
}

static wv_errno open_stream(wv_run *run, const wv_run_options *options,
                            uint32_t i, int *end) {
  int pipe[2];

  *end = -1;
  switch (options->streams[i]) {
    case WV_STREAM_PIPE:
      if (wv_sys_pipe(pipe) < 0) return wv_errno_from_host(errno);
      run->pipes[i] = pipe[i == 0 ? 0 : 1];
      *end = pipe[i == 0 ? 1 : 0];
      run->inodes[i] = inode_of(*end);
      return WV_SUCCESS;
    case WV_STREAM_CAPTURE:
      run->captures[i] = wv_capture_new(options->capture_limit);
      return run->captures[i] == NULL ? WV_ENOMEM : WV_SUCCESS;
    default:
      return WV_SUCCESS;
  }
}

static void publish(wv_run *run) {
  wv_sys_lock(wv_sys_process_mutex());
  run->number = ++last_number;
  if (run->number == 0) run->number = ++last_number;
  run->next = all;
  all = run;
  wv_sys_unlock(wv_sys_process_mutex());
}

wv_errno wv_run_open(const wv_run_options *options, wv_run **opened,
                     int ends[WV_RUN_STREAMS]) {
  wv_run *run = calloc(1, sizeof(*run));
  wv_errno error = WV_SUCCESS;
  uint32_t i;

  if (run == NULL) return WV_ENOMEM;
  run->holders = 1;
  run->ends_when_cut = options->ends_when_cut;
  for (i = 0; i < WV_RUN_STREAMS; i++) run->pipes[i] = ends[i] = -1;
  run->mutex = wv_sys_mutex_new();
  if (run->mutex == NULL) error = WV_ENOMEM;
  for (i = 0; i < WV_RUN_STREAMS && error == WV_SUCCESS; i++)
    error = open_stream(run, options, i, &ends[i]);
  if (error == WV_SUCCESS) {
    memcpy(run->ends, ends, sizeof(run->ends));
    publish(run);
    *opened = run;
    return WV_SUCCESS;
  }
  for (i = 0; i < WV_RUN_STREAMS; i++)
    if (ends[i] >= 0) wv_sys_close(ends[i]);
  free_run(run);
  return error;
}

uint32_t wv_run_number(const wv_run *run) {
  return run->number;
}

wv_run *wv_run_join(uint32_t number) {
  wv_run *run;

  wv_sys_lock(wv_sys_process_mutex());
  for (run = all; run != NULL && run->number != number; run = run->next)
    ;
  if (run != NULL) run->holders++;
  wv_sys_unlock(wv_sys_process_mutex());
  return run;
}

void wv_run_release(wv_run *run) {
  wv_run **at = &all;
  bool last;

  if (run == NULL) return;
  wv_sys_lock(wv_sys_process_mutex());
  last = --run->holders == 0;
  if (last) {
    while (*at != run) at = &(*at)->next;
    *at = run->next;
  }
  wv_sys_unlock(wv_sys_process_mutex());
  if (last) free_run(run);
}

int wv_run_take(wv_run *run, uint32_t stream) {
  int taken = -1;

  wv_sys_lock(run->mutex);
  if (stream < WV_RUN_STREAMS) {
    taken = run->pipes[stream];
    run->pipes[stream] = -1;
  }
  wv_sys_unlock(run->mutex);
  return taken;
}

void wv_run_close(wv_run *run) {
  uint32_t i;
  int left;

  for (i = 0; i < WV_RUN_STREAMS; i++) {
    left = wv_run_take(run, i);
    if (left >= 0) wv_sys_close(left);
  }
}

void wv_run_hand_over(wv_run *run) {
  uint32_t i;

  for (i = 0; i < WV_RUN_STREAMS; i++) run->ends[i] = -1;
}

/* A stream may have closed its end, and the number may stand for another file
 * by now. */
void wv_run_abandon(wv_run *run) {
  uint32_t i;

  for (i = 0; i < WV_RUN_STREAMS; i++)
    if (run->ends[i] >= 0 && run->inodes[i] != 0 &&
        inode_of(run->ends[i]) == run->inodes[i])
      wv_sys_close(run->ends[i]);
  wv_run_hand_over(run);
}

wv_capture *wv_run_capture(const wv_run *run, uint32_t stream) {
  return stream < WV_RUN_STREAMS ? run->captures[stream] : NULL;
}

void wv_run_end(wv_run *run) {
  atomic_store(&run->ended, true);
}

bool wv_run_is_over(const wv_run *run) {
  uint32_t i;

  if (atomic_load_explicit(&run->ended, memory_order_relaxed)) return true;
  if (!run->ends_when_cut) return false;
  for (i = 0; i < WV_RUN_STREAMS; i++)
    if (run->captures[i] != NULL && wv_capture_is_cut(run->captures[i]))
      return true;
  return false;
}

bool wv_run_may_watch(const wv_run *run, const wv_fd *entry) {
  return run != NULL && (entry->flags & WV_FD_OF_RUN) != 0;
}

void wv_run_watch(wv_run *run, wv_buffer *buffer) {
  wv_sys_lock(run->mutex);
  buffer->watcher = run;
  run->buffer = buffer;
  run->seen = 0;
  wv_sys_unlock(run->mutex);
}

void wv_run_unwatch(wv_buffer *buffer) {
  wv_run *run = buffer->watcher;

  if (run == NULL) return;
  wv_sys_lock(run->mutex);
  buffer->watcher = NULL;
  run->buffer = NULL;
  wv_sys_unlock(run->mutex);
}

/* The guest adds to its buffer without a lock. What was there at the last look
 * was written long enough ago for this thread to see all of it. */
void wv_run_flush(wv_run *run) {
  wv_buffer *buffer;
  uint32_t used;
  ssize_t n;

  wv_sys_lock(run->mutex);
  buffer = run->buffer;
  if (buffer != NULL) {
    used = wv_buffer_word(buffer, WV_BUFFER_USED);
    if (used == run->seen && used > buffer->from) {
      n = wv_sys_write(buffer->entry->host_fd,
                       wv_buffer_data(buffer) + buffer->from,
                       used - buffer->from);
      if (n > 0) buffer->from += (uint32_t)n;
    }
    run->seen = used;
  }
  wv_sys_unlock(run->mutex);
}
