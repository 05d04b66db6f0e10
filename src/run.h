/* A guest that one thread starts and another runs.
 *
 * The thread that starts it opens a run, and hands its number to the thread
 * that runs the guest, which joins. Through the run the first thread ends the
 * guest, reads what it has captured, and writes out what it has left in its
 * buffer; all of these at any time, also when the second thread has been
 * terminated. */
#ifndef WV_RUN_H
#define WV_RUN_H

#include "abi.h"
#include "buffer.h"
#include "capture.h"

#define WV_RUN_STREAMS 3

typedef struct wv_run wv_run;

typedef struct wv_run_options {
  uint32_t streams[WV_RUN_STREAMS]; /* WV_STREAM_* */
  uint64_t capture_limit;           /* bytes of each */
  bool ends_when_cut; /* a capture that is over its limit ends the guest */
} wv_run_options;

/* The host's ends of the pipes go to `ends`, which the caller closes; -1 where
 * there is no pipe. The errno of what could not be opened; nothing is then. */
wv_errno wv_run_open(const wv_run_options *options, wv_run **run,
                     int ends[WV_RUN_STREAMS]);

/* Never 0. */
uint32_t wv_run_number(const wv_run *run);

/* The run of that number, held once more. NULL: there is none. */
wv_run *wv_run_join(uint32_t number);

/* The last holder frees it, and closes the pipes that no guest took. */
void wv_run_release(wv_run *run); /* or NULL */

/* The guest's end of the pipe at a stream, which is the caller's from then on;
 * it does not block. -1: there is none, or not any more. */
int wv_run_take(wv_run *run, uint32_t stream);

/* Closes the guest's ends that were not taken: nobody will. */
void wv_run_close(wv_run *run);

/* For the thread that has opened the run: the host's ends have streams that
 * close them. */
void wv_run_hand_over(wv_run *run);

/* The host's ends were not handed over, and nobody closes them any more: the
 * thread that has opened the run was ended in between. Closes those that no
 * stream has closed. */
void wv_run_abandon(wv_run *run);

/* The capture of a stream, or NULL. The run holds it. */
wv_capture *wv_run_capture(const wv_run *run, uint32_t stream);

/* The guest is to end at its next call. */
void wv_run_end(wv_run *run);
bool wv_run_is_over(const wv_run *run);

/* Whether the run's first thread writes out what is buffered for an entry: for
 * pipes of the run, where a write never blocks. It does not look after others:
 * a FIFO of the guest's is not buffered. */
bool wv_run_may_watch(const wv_run *run, const wv_fd *entry);

/* Between these two the first thread may write out what is in the buffer, as
 * long as the guest adds nothing. */
void wv_run_watch(wv_run *run, wv_buffer *buffer);
void wv_run_unwatch(wv_buffer *buffer);

/* Writes out what is in a buffer to which the guest has added nothing since the
 * last time, as far as there is room. For the first thread. */
void wv_run_flush(wv_run *run);

#endif
