/* Makes the calls of a guest, by the table of calls. */
#ifndef WV_DISPATCH_H
#define WV_DISPATCH_H

#include "calls.h"

/* The two ways of wv_dispatch. The second also flushes before the call if
 * necessary, releases the entries that the call looked up, and answers WV_ENDED
 * once the guest's run has ended. */
wv_errno wv_call(wv_guest *guest, const uint32_t *box);
wv_errno wv_call_with_care(wv_guest *guest, const uint32_t *box);

/* Makes the call in the mailbox; calls.h says where its arguments are. */
static inline wv_errno wv_dispatch(wv_guest *guest, const uint32_t *box) {
  return guest->buffer.entry == NULL && guest->fds->mutex == NULL &&
                 guest->run == NULL
             ? wv_call(guest, box)
             : wv_call_with_care(guest, box);
}

#endif
