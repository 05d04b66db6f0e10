/* The parts of filestat calls that descriptors and paths share. */
#ifndef WV_FILESTAT_H
#define WV_FILESTAT_H

#include "../sys.h"

/* Stores a filestat of WV_FILESTAT_SIZE bytes. */
void wv_store_filestat(uint8_t *at, const wv_sys_stat *stat);

/* Converts the times to those of wv_sys_set_times.
 * EINVAL: contradicting or unknown fstflags, or a time that is too large. */
wv_errno wv_check_times(uint64_t atim, uint64_t mtim, uint32_t fstflags,
                        uint64_t *set_atim, uint64_t *set_mtim);

#endif
