/* filestat and fstflags. */
#include "filestat.h"

#include "../memory.h"

void wv_store_filestat(uint8_t *at, const wv_sys_stat *stat) {
  memset(at, 0, WV_FILESTAT_SIZE);
  wv_store_u64(at, stat->dev);
  wv_store_u64(at + 8, stat->ino);
  at[16] = (uint8_t)stat->filetype;
  wv_store_u64(at + 24, stat->nlink);
  wv_store_u64(at + 32, stat->size);
  wv_store_u64(at + 40, stat->atim);
  wv_store_u64(at + 48, stat->mtim);
  wv_store_u64(at + 56, stat->ctim);
}

static wv_errno check_time(uint64_t time, bool given, bool now, uint64_t *set) {
  if (given && now) return WV_EINVAL;
  if (given && time > INT64_MAX) return WV_EINVAL;
  *set = given ? time : now ? WV_SYS_TIME_NOW : WV_SYS_TIME_OMIT;
  return WV_SUCCESS;
}

wv_errno wv_check_times(uint64_t atim, uint64_t mtim, uint32_t fstflags,
                        uint64_t *set_atim, uint64_t *set_mtim) {
  wv_errno error;

  if (fstflags & ~(uint32_t)WV_FSTFLAGS_ALL) return WV_EINVAL;
  error = check_time(atim, fstflags & WV_FSTFLAGS_ATIM,
                     fstflags & WV_FSTFLAGS_ATIM_NOW, set_atim);
  if (error != WV_SUCCESS) return error;
  return check_time(mtim, fstflags & WV_FSTFLAGS_MTIM,
                    fstflags & WV_FSTFLAGS_MTIM_NOW, set_mtim);
}
