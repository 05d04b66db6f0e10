/* The operations of the host on a guest. */
#ifndef WV_HOST_H
#define WV_HOST_H

#include "calls.h"
#include "guest.h"

typedef struct wv_host {
  wv_guest guest;
  uint32_t *box;                /* the mailbox: WV_BOX_* of calls.h */
  struct wv_capture **captures; /* each held, or NULL */
  uint32_t capture_count;
  struct wv_run *run; /* that this host has opened, held, or NULL */
} wv_host;

/* Number `n` of the arguments of 32 bits in the mailbox. */
static inline uint32_t wv_host_argument(const wv_host *host, uint32_t n) {
  return host->box[WV_BOX_ARGUMENTS + n];
}

/* The arguments of 64 bits. */
static inline uint64_t *wv_host_wide(const wv_host *host) {
  return (uint64_t *)(void *)host->box + WV_BOX_WIDE;
}

/* Does the operation in the mailbox. `bytes` is its view, if it has one.
 * Returns the value for WV_BOX_RESULT. */
uint32_t wv_host_control(wv_host *host, wv_memory bytes);

/* Those on streams, captures and runs; ENOSYS for others. */
uint32_t wv_host_streams(wv_host *host, wv_memory bytes);
void wv_host_free_captures(wv_host *host);

/* Closes all descriptors of the guest and drops unwritten bytes.
 * ENOMEM: nothing has happened. */
wv_errno wv_guest_close(wv_guest *guest);

/* Flushes as far as possible without waiting. Then closes and frees all that
 * the guest has. */
void wv_guest_free(wv_guest *guest);

void wv_host_free(wv_host *host);

#endif
