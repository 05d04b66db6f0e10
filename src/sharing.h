/* One table for the threads of one guest: the instances over one shared memory,
 * identified by its address, that have the same preopens.
 *
 * A joining instance shares nothing but the table. In it, the fds 0 to 2 stand
 * for each thread's own stream until a thread closes them; a renumber moves
 * them. */
#ifndef WV_SHARING_H
#define WV_SHARING_H

#include "guest.h"

/* Joins the table of the other instances over the memory at this address, or
 * opens the guest's to them. The memory must stay as long as the guest has the
 * table. Does nothing for a guest that shares one.
 * ENOMEM: the guest keeps its own table. */
wv_errno wv_share(wv_guest *guest, const uint8_t *memory);

/* Leaves a table. The last guest to leave frees it and closes its entries. */
void wv_table_leave(wv_fd_table *table);

#endif
