/* Declarations that the calls on paths share. */
#ifndef WV_PATH_H
#define WV_PATH_H

#include "../beneath.h"

/* Looks up a directory. EBADF. ENOTDIR.
 * ENOTCAPABLE: one of `rights` is missing. */
wv_errno wv_path_directory(wv_guest *guest, uint32_t fd, uint64_t rights,
                           wv_fd **entry);

#endif
