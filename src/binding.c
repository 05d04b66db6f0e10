/* The Node-API side: one function for each guest, and its mailbox.
 *
 * Node-API converts arguments one call at a time, and each conversion costs
 * more than a store into a typed array that both sides see. So JS leaves a
 * request in the mailbox, calls the function, and finds the answer there. The
 * function converts nothing on the way of a call, throws nothing, and keeps all
 * state in its data pointer: there are no globals, and each context and each
 * worker has its own. */
#include <errno.h>
#include <node_api.h>
#include <stdlib.h>

#include "calls.h"
#include "errno_map.h"
#include "preview1/fd_write.h"
#include "sys.h"

/* What stands behind a number of WV_OP_INSERT. lib/native/host.js has the same
 * list. */
enum {
  INSERT_HOST = 0,  /* a descriptor of the caller's */
  INSERT_TARGET = 1 /* a target of JS */
};

/* What WV_OP_DESCRIBE answers, likewise. */
enum {
  IS_OPEN = 1 << 0,
  IS_FILE = 1 << 1,
  IS_TARGET = 1 << 2, /* OUT has its number */
  MAY_WRITE = 1 << 3,
  MAY_SEEK = 1 << 4,
  IS_NONBLOCK = 1 << 5,
};

typedef struct instance {
  wv_guest guest;
  wv_memory buffer; /* what lib/combiner.js holds back */
  uint32_t *box;
} instance;

static uint32_t argument(const instance *self, int n) {
  return self->box[WV_BOX_ARGUMENTS + n];
}

/* The argument is a Uint8Array: of the guest's memory, of a buffer that never
 * moves, or of strings. */
static wv_memory view(napi_env env, napi_callback_info info) {
  wv_memory result = {.base = NULL, .size = 0};
  size_t argc = 1;
  napi_value array;
  napi_typedarray_type type;
  size_t length;
  void *data;

  if (napi_get_cb_info(env, info, &argc, &array, NULL, NULL) != napi_ok ||
      argc < 1)
    return result;
  if (napi_get_typedarray_info(env, array, &type, &length, &data, NULL, NULL) !=
          napi_ok ||
      type != napi_uint8_array)
    return result;
  result.base = data;
  result.size = length;
  return result;
}

/* argument 0: how many strings. */
static wv_errno set_strings(const instance *self, wv_memory from,
                            wv_strings *to) {
  char *bytes = malloc(from.size + 1);

  if (bytes == NULL || from.size > UINT32_MAX) {
    free(bytes);
    return WV_ENOMEM;
  }
  if (from.size > 0) memcpy(bytes, from.base, from.size);
  free(to->bytes);
  to->bytes = bytes;
  to->size = (uint32_t)from.size;
  to->count = argument(self, 0);
  return WV_SUCCESS;
}

/* arguments: guest fd, number, INSERT_*. */
static wv_errno insert(instance *self) {
  wv_fd_table *fds = &self->guest.fds;
  const int number = (int)argument(self, 1);
  wv_fd entry = {.host_fd = number,
                 .kind = WV_KIND_TARGET,
                 .filetype = WV_FILETYPE_SOCKET_STREAM,
                 .flags = WV_FD_WRITABLE,
                 .rights = WV_RIGHTS_ALL};

  if (argument(self, 2) == INSERT_HOST) entry = wv_fd_of_host(number);
  return wv_fd_insert_at(fds, argument(self, 0), &entry);
}

static char *copy_of(const char *string) {
  size_t size = strlen(string) + 1;
  char *copy = malloc(size);

  return copy == NULL ? NULL : memcpy(copy, string, size);
}

/* The view has the host's path and the guest's name, each with its NUL. */
static wv_errno preopen(instance *self, wv_memory names) {
  const char *path = (const char *)names.base;
  wv_fd entry = {.kind = WV_KIND_DIRECTORY,
                 .filetype = WV_FILETYPE_DIRECTORY,
                 .flags = WV_FD_OWNED | WV_FD_READABLE,
                 .rights = WV_RIGHTS_ALL,
                 .inheriting = WV_RIGHTS_ALL};
  wv_errno error;
  uint32_t fd;

  if (!wv_fd_has_room(&self->guest.fds)) return WV_EMFILE;
  entry.host_fd = wv_sys_open_directory(path);
  if (entry.host_fd < 0) return wv_errno_from_host(errno);
  entry.preopen = copy_of(path + strlen(path) + 1);
  error = entry.preopen == NULL ? WV_ENOMEM
                                : wv_fd_insert(&self->guest.fds, &entry, &fd);
  if (error != WV_SUCCESS) {
    free(entry.preopen);
    wv_sys_close(entry.host_fd);
  }
  return error;
}

/* argument: guest fd. */
static uint32_t describe(instance *self) {
  wv_fd *entry = wv_fd_get(&self->guest.fds, argument(self, 0));
  uint32_t result = IS_OPEN;

  if (entry == NULL) return 0;
  wv_fd_learn_kind(entry); /* on failure a write fails too */
  if (entry->kind == WV_KIND_FILE) result |= IS_FILE;
  if (entry->kind == WV_KIND_TARGET) {
    result |= IS_TARGET;
    self->box[WV_BOX_OUT] = (uint32_t)entry->host_fd;
  }
  if ((entry->flags & WV_FD_WRITABLE) && (entry->rights & WV_RIGHTS_FD_WRITE))
    result |= MAY_WRITE;
  if (wv_fd_can_seek(entry) && (entry->rights & WV_RIGHTS_FD_SEEK))
    result |= MAY_SEEK;
  if (entry->fdflags & WV_FDFLAGS_NONBLOCK) result |= IS_NONBLOCK;
  return result;
}

/* arguments: guest fd, start in the buffer, length, whether at WIDE. OUT: bytes
 * that are out. */
static wv_errno write_buffered(instance *self) {
  const uint32_t start = argument(self, 1);
  const uint32_t len = argument(self, 2);
  int64_t offset = -1;
  uint64_t done = 0;
  wv_errno error;

  if (!wv_in_bounds(&self->buffer, start, len)) return WV_EFAULT;
  if (argument(self, 3) != 0)
    memcpy(&offset, (uint64_t *)(void *)self->box + WV_BOX_WIDE,
           sizeof(offset));
  error = wv_write_buffered(&self->guest, argument(self, 0),
                            self->buffer.base + start, len, offset, &done);
  self->box[WV_BOX_OUT] = (uint32_t)done;
  return error;
}

static uint32_t control(napi_env env, napi_callback_info info, instance *self) {
  uint64_t *wide = (uint64_t *)(void *)self->box + WV_BOX_WIDE;
  wv_guest *guest = &self->guest;

  switch ((enum wv_op)self->box[WV_BOX_OP]) {
    case WV_OP_SET_MEMORY:
      guest->memory = view(env, info);
      return WV_SUCCESS;
    case WV_OP_SET_ARGS:
      return set_strings(self, view(env, info), &guest->args);
    case WV_OP_SET_ENVIRON:
      return set_strings(self, view(env, info), &guest->environ);
    case WV_OP_SET_BUFFER:
      self->buffer = view(env, info);
      return WV_SUCCESS;
    case WV_OP_INSERT:
      return insert(self);
    case WV_OP_PREOPEN:
      return preopen(self, view(env, info));
    case WV_OP_REMOVE:
      return wv_fd_remove(&guest->fds, argument(self, 0));
    case WV_OP_DESCRIBE:
      return describe(self);
    case WV_OP_WRITE_BUFFERED:
      return write_buffered(self);
    case WV_OP_STATS: /* WIDE: calls and bytes that were written */
      wide[0] = guest->calls;
      wide[1] = guest->bytes;
      return WV_SUCCESS;
    case WV_OP_CLOSE:
      wv_fd_table_free(&guest->fds);
      return WV_SUCCESS;
    default:
      return WV_ENOSYS;
  }
}

static napi_value call(napi_env env, napi_callback_info info) {
  instance *self;
  wv_errno error;
  void *data;

  if (napi_get_cb_info(env, info, NULL, NULL, NULL, &data) != napi_ok)
    return NULL;
  self = data;
  if (self->box[WV_BOX_OP] >= WV_OP_SET_MEMORY) {
    self->box[WV_BOX_RESULT] = control(env, info, self);
    return NULL;
  }
  error = wv_dispatch(&self->guest, self->box);
  self->box[WV_BOX_RESULT] = error;
  if (error == WV_DELIVER) self->box[WV_BOX_OUT] = self->guest.target;
  return NULL;
}

static void finalize(napi_env env, void *data, void *hint) {
  instance *self = data;

  (void)env;
  (void)hint;
  wv_guest_free(&self->guest);
  free(self);
}

/* create(waitTimeout, maxOpenFiles): the function of one guest. Its `box`
 * property is the mailbox, and keeps that alive for as long as the function is.
 * maxOpenFiles is -1 for the default. */
static napi_value create(napi_env env, napi_callback_info info) {
  size_t argc = 2;
  napi_value arguments[2], box, function;
  instance *self = calloc(1, sizeof(*self));
  int64_t max_open_files;
  void *memory;
  napi_property_descriptor property = {.utf8name = "box"};

  if (self == NULL) {
    napi_throw_error(env, "ERR_MEMORY_ALLOCATION_FAILED",
                     "Not enough memory for the state of a guest");
    return NULL;
  }
  if (napi_get_cb_info(env, info, &argc, arguments, NULL, NULL) != napi_ok ||
      napi_get_value_int64(env, arguments[0], &self->guest.wait_timeout) !=
          napi_ok ||
      napi_get_value_int64(env, arguments[1], &max_open_files) != napi_ok ||
      napi_create_arraybuffer(env, WV_BOX_WORDS * sizeof(uint32_t), &memory,
                              &box) != napi_ok ||
      napi_create_function(env, "wasi", NAPI_AUTO_LENGTH, call, self,
                           &function) != napi_ok)
    goto fail;
  property.value = box;
  if (napi_define_properties(env, function, 1, &property) != napi_ok ||
      napi_add_finalizer(env, function, self, finalize, NULL, NULL) != napi_ok)
    goto fail;
  self->box = memory;
  self->guest.fds.limit =
      max_open_files < 0 ? wv_sys_half_of_limit() : (uint32_t)max_open_files;
  return function;

fail:
  free(self);
  napi_throw_error(env, NULL, "The state of a guest could not be created");
  return NULL;
}

NAPI_MODULE_INIT(/* env, exports */) {
  napi_property_descriptor properties[] = {
      {.utf8name = "create", .method = create},
      {.utf8name = "abi", .attributes = napi_enumerable},
  };

  wv_sys_ignore_write_signals();
  if (napi_create_string_utf8(env, WV_ABI_HASH, NAPI_AUTO_LENGTH,
                              &properties[1].value) != napi_ok ||
      napi_define_properties(env, exports, 2, properties) != napi_ok)
    return NULL;
  return exports;
}
