/* What the calls about a path share. */
#ifndef WV_PATH_H
#define WV_PATH_H

#include "../beneath.h"

/* The entry of `fd`, a directory. EBADF. ENOTDIR. ENOTCAPABLE: a right of
 * `rights` is missing. */
wv_errno wv_path_directory(wv_guest *guest, uint32_t fd, uint64_t rights,
                           wv_fd **entry);

#endif
