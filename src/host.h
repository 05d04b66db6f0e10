/* What the host asks of a guest besides its calls. */
#ifndef WV_HOST_H
#define WV_HOST_H

#include "guest.h"

typedef struct wv_host {
  wv_guest guest;
  uint32_t *box; /* the mailbox: WV_BOX_* of calls.h */
  struct wv_capture **captures;
  uint32_t capture_count;
} wv_host;

/* Does the operation in the mailbox. `bytes` came with it. Returns what goes to
 * WV_BOX_RESULT. */
uint32_t wv_host_control(wv_host *host, wv_memory bytes);

/* Closes all that the guest has open; what is not written is given up. ENOMEM:
 * nothing has happened. */
wv_errno wv_guest_close(wv_guest *guest);

/* Writes what is buffered as far as nothing is to be waited for, closes and
 * frees all that the guest has. */
void wv_guest_free(wv_guest *guest);

/* Ends the guest, and frees what it has. */
void wv_host_free(wv_host *host);

#endif
