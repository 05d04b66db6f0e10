/* Shared by floor.c and floor-calls.c: a job, and the turns in floor-calls.c.
 */
#ifndef FLOOR_H
#define FLOOR_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

#define MAX_LENGTHS 8192
#define MAX_LENGTH (16 << 20)
#define GAP 99 /* bytes between two buffers, as in the guest */

typedef struct job {
  int fd;
  int directory; /* -1 if the argument was a descriptor */
  int data;      /* its file `data`, for reading */
  int list;      /* its directory `list` */
  uint32_t used;
  uint32_t turns;
  bool wall;
  uint32_t random;
  off_t offset;
  struct iovec iov[MAX_LENGTHS];
  uint8_t *bytes;
} job;

int read_turn(job *todo);
int pread_turn(job *todo);
int seek_turn(job *todo);
int fstat_turn(job *todo);
int stat1_turn(job *todo);
int stat4_turn(job *todo);
int open1_turn(job *todo);
int open4_turn(job *todo);
int readdir_turn(job *todo);
int clock_turn(job *todo);
int random_turn(job *todo);

#endif
