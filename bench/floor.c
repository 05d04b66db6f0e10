/* The floor of every comparison: the system calls alone, in a C loop, in the
 * same process and so under the same conditions as what is compared with it.
 *
 * write(fd, lengths, count), pwrite(fd, lengths, count): makes one call for
 * each turn of the loop when there is one length, writev(2) when there are
 * several (pwrite: one call for each length, one behind the other, from 0 again
 * at 1 MiB). Returns nanoseconds in all. */
#include <node_api.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#define MAX_LENGTHS 1024
#define DATA_SIZE (1 << 20)
#define FILE_LIMIT (1 << 20)

static int64_t now(void) {
  struct timespec time;

  clock_gettime(CLOCK_MONOTONIC, &time);
  return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

typedef struct job {
  int fd;
  uint32_t used;
  uint32_t count;
  off_t offset;
  struct iovec iov[MAX_LENGTHS];
} job;

/* The arguments; each buffer is a stretch of its own, as a guest's are. */
static int read_job(napi_env env, napi_callback_info info, uint8_t *data,
                    job *to) {
  size_t argc = 3;
  napi_value argv[3], element;
  uint32_t i, length;

  if (napi_get_cb_info(env, info, &argc, argv, NULL, NULL) != napi_ok ||
      napi_get_value_int32(env, argv[0], &to->fd) != napi_ok ||
      napi_get_array_length(env, argv[1], &to->used) != napi_ok ||
      napi_get_value_uint32(env, argv[2], &to->count) != napi_ok ||
      to->used > MAX_LENGTHS)
    return -1;
  for (i = 0; i < to->used; i++) {
    if (napi_get_element(env, argv[1], i, &element) != napi_ok ||
        napi_get_value_uint32(env, element, &length) != napi_ok ||
        length > DATA_SIZE)
      return -1;
    to->iov[i].iov_base = data + (i * 4099) % (DATA_SIZE - length + 1);
    to->iov[i].iov_len = length;
  }
  return 0;
}

static ssize_t write_all(job *job) {
  if (job->used == 1)
    return write(job->fd, job->iov[0].iov_base, job->iov[0].iov_len);
  return writev(job->fd, job->iov, (int)job->used);
}

static ssize_t pwrite_each(job *job) {
  uint32_t i;

  if (job->offset >= FILE_LIMIT) job->offset = 0;
  for (i = 0; i < job->used; i++) {
    if (pwrite(job->fd, job->iov[i].iov_base, job->iov[i].iov_len,
               job->offset) < 0)
      return -1;
    job->offset += (off_t)job->iov[i].iov_len;
  }
  return 0;
}

static napi_value run(napi_env env, napi_callback_info info,
                      ssize_t (*step)(job *)) {
  static const char problem[] = "bad arguments, or a call failed";
  uint8_t *data = calloc(1, DATA_SIZE);
  job *todo = calloc(1, sizeof(*todo));
  napi_value result = NULL;
  int64_t start;
  uint32_t i = 0;

  if (data != NULL && todo != NULL && read_job(env, info, data, todo) == 0) {
    start = now();
    while (i < todo->count && step(todo) >= 0) i++;
    if (i == todo->count)
      napi_create_double(env, (double)(now() - start), &result);
  }
  free(data);
  free(todo);
  if (result == NULL) napi_throw_error(env, NULL, problem);
  return result;
}

static napi_value run_write(napi_env env, napi_callback_info info) {
  return run(env, info, write_all);
}

static napi_value run_pwrite(napi_env env, napi_callback_info info) {
  return run(env, info, pwrite_each);
}

NAPI_MODULE_INIT(/* env, exports */) {
  napi_property_descriptor properties[] = {
      {.utf8name = "write", .method = run_write},
      {.utf8name = "pwrite", .method = run_pwrite},
  };

  napi_define_properties(env, exports, 2, properties);
  return exports;
}
