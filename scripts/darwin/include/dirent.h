#ifndef WV_DARWIN_DIRENT_H
#define WV_DARWIN_DIRENT_H

#include <sys/cdefs.h>
#include <sys/types.h>

/* With inodes of 64 bits. */
struct dirent {
  uint64_t d_ino;
  uint64_t d_seekoff;
  uint16_t d_reclen;
  uint16_t d_namlen;
  uint8_t d_type;
  char d_name[1024];
};

#define DT_FIFO 1
#define DT_CHR 2
#define DT_DIR 4
#define DT_BLK 6
#define DT_REG 8
#define DT_LNK 10
#define DT_SOCK 12

typedef struct wv_darwin_dir DIR;

DIR *fdopendir(int) WV_INODE64(fdopendir);
struct dirent *readdir(DIR *) WV_INODE64(readdir);
void rewinddir(DIR *) WV_INODE64(rewinddir);
void seekdir(DIR *, long) WV_INODE64(seekdir);
long telldir(DIR *) WV_INODE64(telldir);
int closedir(DIR *);

#endif
