/* The operations of the host on a guest. */
#ifndef WV_HOST_H
#define WV_HOST_H

#include "guest.h"

typedef struct wv_host {
  wv_guest guest;
  uint32_t *box; /* the mailbox: WV_BOX_* of calls.h */
  struct wv_capture **captures;
  uint32_t capture_count;
} wv_host;

/* Does the operation in the mailbox. `bytes` is its view, if it has one.
 * Returns the value for WV_BOX_RESULT. */
uint32_t wv_host_control(wv_host *host, wv_memory bytes);

/* Closes all descriptors of the guest and drops unwritten bytes.
 * ENOMEM: nothing has happened. */
wv_errno wv_guest_close(wv_guest *guest);

/* Flushes as far as possible without waiting. Then closes and frees all that
 * the guest has. */
void wv_guest_free(wv_guest *guest);

void wv_host_free(wv_host *host);

#endif
