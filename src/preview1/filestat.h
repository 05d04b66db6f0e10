/* What calls about a descriptor and calls about a path share. */
#ifndef WV_FILESTAT_H
#define WV_FILESTAT_H

#include "../sys.h"

/* Stores a filestat of WV_FILESTAT_SIZE bytes. */
void wv_store_filestat(uint8_t *at, const wv_sys_stat *stat);

/* The times to set, as wv_sys_set_times has them.
 * EINVAL: contradicting or unknown fstflags, or a time that does not fit. */
wv_errno wv_check_times(uint64_t atim, uint64_t mtim, uint32_t fstflags,
                        uint64_t *set_atim, uint64_t *set_mtim);

#endif
