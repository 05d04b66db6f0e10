/* The operations of the host on the streams and captures of a guest, and on a
 * run. The arguments that a comment names are numbers of the mailbox from
 * WV_BOX_ARGUMENTS on. */
#include <errno.h>
#include <stdlib.h>

#include "capture.h"
#include "errno_map.h"
#include "host.h"
#include "run.h"

/* A free number for a capture. */
static bool find_number(wv_host *host, uint32_t *number) {
  wv_capture **grown;

  for (*number = 0; *number < host->capture_count; (*number)++)
    if (host->captures[*number] == NULL) return true;
  grown = realloc(host->captures, (*number + 1) * sizeof(*host->captures));
  if (grown == NULL) return false;
  host->captures = grown;
  grown[host->capture_count++] = NULL;
  return true;
}

/* Its hold becomes the host's. NULL, as what has found no memory: ENOMEM. */
static wv_errno add_capture(wv_host *host, wv_capture *capture,
                            uint32_t *number) {
  if (capture == NULL || !find_number(host, number)) {
    wv_capture_release(capture);
    return WV_ENOMEM;
  }
  host->captures[*number] = capture;
  return WV_SUCCESS;
}

static wv_errno insert_capture(wv_host *host, wv_capture *capture,
                               wv_fd *entry) {
  uint32_t number;
  wv_errno error = add_capture(host, capture, &number);

  if (error != WV_SUCCESS) return error;
  entry->capture = capture;
  entry->host_fd = (int)number;
  host->box[WV_BOX_OUT] = number;
  return WV_SUCCESS;
}

#define NO_CAPTURE UINT32_MAX

static void free_capture(wv_host *host, uint32_t number) {
  if (number == NO_CAPTURE) return;
  wv_capture_release(host->captures[number]);
  host->captures[number] = NULL;
}

/* The number of the capture at `fd`, unless its bytes wait in the buffer. */
static uint32_t capture_at(wv_host *host, uint32_t fd) {
  const wv_fd *entry = wv_guest_get(&host->guest, fd);

  return entry == NULL || entry->capture == NULL ||
                 entry == host->guest.buffer.entry
             ? NO_CAPTURE
             : (uint32_t)entry->host_fd;
}

/* Takes over `host_fd`: closes it on failure. argument 0: guest fd. */
static wv_errno insert_own(wv_host *host, int host_fd, uint8_t flags) {
  wv_fd entry;
  wv_errno error;

  if (host_fd < 0) return wv_errno_from_host(errno);
  entry = wv_fd_of_host(host_fd);
  entry.flags |= WV_FD_OWNED | flags;
  error = wv_fd_insert_at(host->guest.fds, wv_host_argument(host, 0), &entry);
  if (error != WV_SUCCESS) wv_sys_close(host_fd);
  return error;
}

/* The stream of a run that the guest has joined. */
static wv_errno insert_stream(wv_host *host, uint32_t stream, wv_fd *entry) {
  wv_run *run = host->guest.run;
  wv_capture *capture = run == NULL ? NULL : wv_run_capture(run, stream);

  return capture == NULL
             ? WV_EBADF
             : insert_capture(host, wv_capture_hold(capture), entry);
}

/* arguments: guest fd, number, WV_INSERT_*. */
static wv_errno insert(wv_host *host) {
  const uint32_t fd = wv_host_argument(host, 0);
  const uint32_t replaced = capture_at(host, fd);
  const int number = (int)wv_host_argument(host, 1);
  wv_fd entry = {.host_fd = number,
                 .kind = WV_KIND_TARGET,
                 .filetype = WV_FILETYPE_SOCKET_STREAM,
                 .flags = WV_FD_WRITABLE,
                 .rights = WV_RIGHTS_ALL};
  wv_errno error = WV_SUCCESS;
  int taken;

  switch (wv_host_argument(host, 2)) {
    case WV_INSERT_HOST:
      entry = wv_fd_of_host(number);
      break;
    case WV_INSERT_CAPTURE:
      error =
          insert_capture(host, wv_capture_new(wv_host_wide(host)[0]), &entry);
      break;
    case WV_INSERT_RUN:
      taken = host->guest.run == NULL
                  ? -1
                  : wv_run_take(host->guest.run, (uint32_t)number);
      if (taken >= 0) return insert_own(host, taken, WV_FD_OF_RUN);
      error = insert_stream(host, (uint32_t)number, &entry);
      break;
    case WV_INSERT_NULL:
      return insert_own(host, wv_sys_open_null(number == 1), 0);
    default:
      break;
  }
  if (error != WV_SUCCESS) return error;
  error = wv_fd_insert_at(host->guest.fds, fd, &entry);
  if (error == WV_SUCCESS)
    free_capture(host, replaced);
  else if (entry.capture != NULL)
    free_capture(host, (uint32_t)entry.host_fd);
  return error;
}

/* argument: guest fd. */
static wv_errno remove_fd(wv_host *host) {
  const uint32_t fd = wv_host_argument(host, 0);
  const uint32_t left = capture_at(host, fd);
  wv_errno error = wv_fd_remove(host->guest.fds, fd);

  free_capture(host, left);
  return error;
}

static bool is_target(const wv_fd *entry, uint32_t number) {
  return entry != NULL && entry->kind == WV_KIND_TARGET &&
         entry->capture == NULL && (uint32_t)entry->host_fd == number;
}

/* arguments: guest fd, target. Completes an fd_close whose flush has failed,
 * unless the target has put something else there. */
static wv_errno remove_target(wv_host *host) {
  wv_guest *guest = &host->guest;
  const uint32_t fd = wv_host_argument(host, 0);
  wv_fd *entry;

  if (!is_target(wv_guest_get(guest, fd), wv_host_argument(host, 1)))
    return WV_EBADF;
  entry = wv_fd_take(guest->fds, fd);
  return entry == NULL ? WV_EBADF : wv_guest_let_go(guest, entry);
}

void wv_host_free_captures(wv_host *host) {
  uint32_t i;

  for (i = 0; i < host->capture_count; i++) free_capture(host, i);
}

/* Only after WV_OP_CLOSE, when nothing writes to captures any more. */
static wv_errno free_captures(wv_host *host) {
  if (!host->guest.closed) return WV_EINVAL;
  wv_host_free_captures(host);
  wv_run_release(host->run);
  host->run = NULL;
  return WV_SUCCESS;
}

/* The captures of the run get numbers, from `out` on. */
static wv_errno add_captures_of_run(wv_host *host, uint32_t *out) {
  wv_errno error = WV_SUCCESS;
  wv_capture *capture;
  uint32_t i;

  for (i = 0; i < WV_RUN_STREAMS && error == WV_SUCCESS; i++) {
    capture = wv_run_capture(host->run, i);
    if (capture != NULL)
      error = add_capture(host, wv_capture_hold(capture), &out[i]);
  }
  return error;
}

/* arguments: WV_STREAM_* of streams 0 to 2, whether a cut capture ends the
 * guest. WIDE: the limit of each capture. Results: ARGUMENTS 0 to 2, the host's
 * ends of the pipes, or -1; 3 to 5, the numbers of the captures; OUT, the run's
 * number. On failure nothing is open. */
static wv_errno open_run(wv_host *host) {
  wv_run_options options = {.capture_limit = wv_host_wide(host)[0],
                            .ends_when_cut = wv_host_argument(host, 3) != 0};
  uint32_t *out = host->box + WV_BOX_ARGUMENTS;
  int ends[WV_RUN_STREAMS];
  wv_errno error;
  uint32_t i;

  if (host->run != NULL) return WV_EINVAL;
  for (i = 0; i < WV_RUN_STREAMS; i++)
    options.streams[i] = wv_host_argument(host, i);
  error = wv_run_open(&options, &host->run, ends);
  if (error != WV_SUCCESS) return error;
  for (i = 0; i < WV_RUN_STREAMS; i++) out[i] = (uint32_t)ends[i];
  host->box[WV_BOX_OUT] = wv_run_number(host->run);
  error = add_captures_of_run(host, out + WV_RUN_STREAMS);
  if (error == WV_SUCCESS) return WV_SUCCESS;
  wv_run_abandon(host->run);
  wv_run_release(host->run);
  host->run = NULL;
  return error;
}

/* argument: the run's number. */
static wv_errno join_run(wv_host *host) {
  if (host->guest.run != NULL) return WV_EINVAL;
  host->guest.run = wv_run_join(wv_host_argument(host, 0));
  return host->guest.run == NULL ? WV_ENOENT : WV_SUCCESS;
}

static wv_errno control_run(wv_host *host) {
  if (host->run == NULL) return WV_EINVAL;
  switch ((enum wv_op)host->box[WV_BOX_OP]) {
    case WV_OP_RUN_FLUSH:
      wv_run_flush(host->run);
      return WV_SUCCESS;
    case WV_OP_RUN_END:
      wv_run_end(host->run);
      return WV_SUCCESS;
    case WV_OP_RUN_HAND_OVER:
      wv_run_hand_over(host->run);
      return WV_SUCCESS;
    default: /* WV_OP_RUN_CLOSE */
      wv_run_close(host->run);
      return WV_SUCCESS;
  }
}

/* argument: the capture's number, from WV_OP_INSERT. */
static wv_capture *capture(const wv_host *host) {
  return host->captures[wv_host_argument(host, 0)];
}

uint32_t wv_host_streams(wv_host *host, wv_memory bytes) {
  switch ((enum wv_op)host->box[WV_BOX_OP]) {
    case WV_OP_INSERT:
      return insert(host);
    case WV_OP_INSERT_BYTES: /* argument: guest fd */
      return insert_own(host, wv_sys_open_bytes(bytes.base, bytes.size), 0);
    case WV_OP_REMOVE:
      return remove_fd(host);
    case WV_OP_REMOVE_TARGET:
      return remove_target(host);
    case WV_OP_FREE_CAPTURES:
      return free_captures(host);
    case WV_OP_CAPTURE_SIZE: /* WIDE: bytes. OUT: whether it refused some */
      wv_host_wide(host)[0] = wv_capture_size(capture(host));
      host->box[WV_BOX_OUT] = wv_capture_is_cut(capture(host));
      return WV_SUCCESS;
    case WV_OP_CAPTURE_READ:
      wv_capture_read(capture(host), bytes.base, bytes.size);
      return WV_SUCCESS;
    case WV_OP_RUN_OPEN:
      return open_run(host);
    case WV_OP_RUN_JOIN:
      return join_run(host);
    case WV_OP_RUN_FLUSH:
    case WV_OP_RUN_END:
    case WV_OP_RUN_HAND_OVER:
    case WV_OP_RUN_CLOSE:
      return control_run(host);
    default:
      return WV_ENOSYS;
  }
}
