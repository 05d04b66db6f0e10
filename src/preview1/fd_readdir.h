/* What fd_readdir keeps for a directory. */
#ifndef WV_FD_READDIR_H
#define WV_FD_READDIR_H

struct wv_directory;

/* Closes and frees it. NULL is nothing to free. */
void wv_directory_free(struct wv_directory *directory);

#endif
