/* One table for the threads of one guest.
 *
 * They are the instances over one shared memory, found by its address, whose
 * preopens are the same. An instance that joins takes over nothing but the
 * table. In it, 0 to 2 say "the thread's own stream" until a thread closes one;
 * a renumber moves it. */
#ifndef WV_SHARING_H
#define WV_SHARING_H

#include "guest.h"

/* Called with the address of a shared memory, which must stay as long as the
 * guest is in the table. A guest that shares one already keeps it.
 * ENOMEM: it has the table that it had. */
wv_errno wv_share(wv_guest *guest, const uint8_t *memory);

/* The guest gives its table up; the last one closes what is in it. */
void wv_table_leave(wv_fd_table *table);

#endif
