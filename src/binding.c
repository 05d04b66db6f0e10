/* The Node-API side: one function for each guest, and its mailbox.
 *
 * Node-API converts arguments one call at a time, and each conversion costs
 * more than a store into a typed array that both sides see. So JS leaves a
 * request in the mailbox, calls the function, and finds the answer there. The
 * function converts nothing on the way of a call, throws nothing, and keeps all
 * state in its data pointer: there are no globals but the tables that threads
 * share, and each context and each worker has its own. */
#include <errno.h>
#include <node_api.h>
#include <stdlib.h>

#include "calls.h"
#include "capture.h"
#include "errno_map.h"
#include "sharing.h"
#include "sys.h"

/* What stands behind a number of WV_OP_INSERT. lib/native/host.js has the same
 * list. */
enum {
  INSERT_HOST = 0,    /* a descriptor of the caller's */
  INSERT_TARGET = 1,  /* a target of JS */
  INSERT_CAPTURE = 2, /* WIDE: the limit; OUT: its number */
  INSERT_NULL = 3,    /* the null device: 0 to read, 1 to write */
};

/* What WV_OP_DESCRIBE answers, likewise. */
enum {
  IS_OPEN = 1 << 0,
  IS_TARGET = 1 << 1,  /* OUT has its number */
  IS_CAPTURE = 1 << 2, /* likewise */
};

typedef struct instance {
  wv_guest guest;
  uint32_t *box;
  uint32_t op; /* the call that waits */
  wv_capture **captures;
  uint32_t capture_count;
  napi_ref buffer; /* what guest.buffer points to, kept alive */
  napi_ref memory; /* that of a shared table, by whose address it is found */
} instance;

static uint32_t argument(const instance *self, int n) {
  return self->box[WV_BOX_ARGUMENTS + n];
}

static uint64_t *wide(const instance *self) {
  return (uint64_t *)(void *)self->box + WV_BOX_WIDE;
}

/* The argument is a Uint8Array: of the guest's memory, of a buffer that never
 * moves, or of strings. */
static wv_memory view(napi_env env, napi_callback_info info,
                      napi_value *array) {
  wv_memory result = {.base = NULL, .size = 0};
  size_t argc = 1;
  napi_typedarray_type type;
  size_t length;
  void *data;

  if (napi_get_cb_info(env, info, &argc, array, NULL, NULL) != napi_ok ||
      argc < 1)
    return result;
  if (napi_get_typedarray_info(env, *array, &type, &length, &data, NULL,
                               NULL) != napi_ok ||
      type != napi_uint8_array)
    return result;
  result.base = data;
  result.size = length;
  return result;
}

/* Keeps what is looked at alive until the guest is gone. */
static bool keep(napi_env env, napi_value value, napi_ref *ref) {
  if (*ref != NULL) napi_delete_reference(env, *ref);
  *ref = NULL;
  return napi_create_reference(env, value, 1, ref) == napi_ok;
}

/* OUT: 1 for a memory that threads of the guest share. ARGUMENTS may be those
 * of a call. */
static wv_errno set_memory(napi_env env, instance *self, wv_memory memory,
                           napi_value array) {
  wv_guest *guest = &self->guest;

  guest->memory = memory;
  if (self->box[WV_BOX_OUT] == 0 || guest->fds->sharing != NULL)
    return WV_SUCCESS;
  if (!keep(env, array, &self->memory)) return WV_ENOMEM;
  return wv_share(guest, memory.base);
}

/* argument 0: WV_BUFFER_*, what is buffered. */
static wv_errno set_buffer(napi_env env, instance *self, wv_memory memory,
                           napi_value array) {
  if (memory.size <= WV_BUFFER_HEADER_SIZE) return WV_EINVAL;
  if (!keep(env, array, &self->buffer)) return WV_ENOMEM;
  wv_buffer_set(&self->guest.buffer, memory, (uint8_t)argument(self, 0));
  return WV_SUCCESS;
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

static wv_errno new_capture(instance *self, wv_fd *entry) {
  const uint32_t number = self->capture_count;
  wv_capture **grown =
      realloc(self->captures, (number + 1) * sizeof(*self->captures));

  if (grown == NULL) return WV_ENOMEM;
  self->captures = grown;
  grown[number] = wv_capture_new(wide(self)[0]);
  if (grown[number] == NULL) return WV_ENOMEM;
  self->capture_count++;
  entry->capture = grown[number];
  entry->host_fd = (int)number;
  self->box[WV_BOX_OUT] = number;
  return WV_SUCCESS;
}

/* What is ours and has no number to give yet is closed. */
static wv_errno insert_own(instance *self, int host_fd) {
  wv_fd entry;
  wv_errno error;

  if (host_fd < 0) return wv_errno_from_host(errno);
  entry = wv_fd_of_host(host_fd);
  entry.flags |= WV_FD_OWNED;
  error = wv_fd_insert_at(self->guest.fds, argument(self, 0), &entry);
  if (error != WV_SUCCESS) wv_sys_close(host_fd);
  return error;
}

/* arguments: guest fd, number, INSERT_*. */
static wv_errno insert(instance *self) {
  const int number = (int)argument(self, 1);
  wv_fd entry = {.host_fd = number,
                 .kind = WV_KIND_TARGET,
                 .filetype = WV_FILETYPE_SOCKET_STREAM,
                 .flags = WV_FD_WRITABLE,
                 .rights = WV_RIGHTS_ALL};
  wv_errno error = WV_SUCCESS;

  switch (argument(self, 2)) {
    case INSERT_HOST:
      entry = wv_fd_of_host(number);
      break;
    case INSERT_CAPTURE:
      error = new_capture(self, &entry);
      break;
    case INSERT_NULL:
      return insert_own(self, wv_sys_open_null(number == 1));
    default:
      break;
  }
  if (error != WV_SUCCESS) return error;
  return wv_fd_insert_at(self->guest.fds, argument(self, 0), &entry);
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

  if (!wv_fd_has_room(self->guest.fds)) return WV_EMFILE;
  entry.host_fd = wv_sys_open_directory(path);
  if (entry.host_fd < 0) return wv_errno_from_host(errno);
  entry.preopen = copy_of(path + strlen(path) + 1);
  error = entry.preopen == NULL ? WV_ENOMEM
                                : wv_fd_insert(self->guest.fds, &entry, &fd);
  if (error != WV_SUCCESS) {
    free(entry.preopen);
    wv_sys_close(entry.host_fd);
  }
  return error;
}

/* argument: guest fd. */
static uint32_t describe(instance *self) {
  const wv_fd *entry = wv_guest_get(&self->guest, argument(self, 0));

  if (entry == NULL) return 0;
  if (entry->kind != WV_KIND_TARGET) return IS_OPEN;
  self->box[WV_BOX_OUT] = (uint32_t)entry->host_fd;
  return IS_OPEN | (entry->capture == NULL ? IS_TARGET : IS_CAPTURE);
}

/* ARGUMENTS: the guest fd, where the bytes begin in the view of
 * WV_OP_SET_BUFFER, how many there are, and their target, WV_NO_FD if it is
 * none of JS. The result is why they are there. */
static wv_errno unflushed(instance *self) {
  const wv_buffer *buffer = &self->guest.buffer;
  uint32_t *out = self->box + WV_BOX_ARGUMENTS;
  const wv_fd *entry = buffer->entry;

  out[0] = buffer->fd;
  out[1] = WV_BUFFER_HEADER_SIZE + buffer->from;
  out[2] = entry == NULL ? 0 : buffer->left;
  out[3] =
      entry == NULL || entry->kind != WV_KIND_TARGET || entry->capture != NULL
          ? WV_NO_FD
          : (uint32_t)entry->host_fd;
  return buffer->error;
}

/* arguments: guest fd, target, errno; the view has the bytes. OUT: whether they
 * are back. */
static wv_errno give_back(instance *self, wv_memory bytes) {
  self->box[WV_BOX_OUT] =
      wv_buffer_give_back(&self->guest, argument(self, 0), argument(self, 1),
                          bytes, (wv_errno)argument(self, 2));
  return WV_SUCCESS;
}

/* argument: its number, which JS has from WV_OP_INSERT. */
static const wv_capture *capture(const instance *self) {
  return self->captures[argument(self, 0)];
}

/* WIDE: writes and their bytes that the system took. ARGUMENTS, in pairs of low
 * and high: calls that were buffered, their bytes, flushes. */
static void stats(instance *self) {
  wv_buffer *buffer = &self->guest.buffer;
  const uint64_t bytes = wv_buffer_count(buffer);
  uint32_t *out = self->box + WV_BOX_ARGUMENTS;

  wide(self)[0] = self->guest.calls;
  wide(self)[1] = self->guest.bytes;
  memcpy(out, &buffer->calls, sizeof(buffer->calls));
  memcpy(out + 2, &bytes, sizeof(bytes));
  memcpy(out + 4, &buffer->flushes, sizeof(buffer->flushes));
}

static uint32_t control(napi_env env, napi_callback_info info, instance *self) {
  wv_guest *guest = &self->guest;
  napi_value array = NULL;
  const wv_memory bytes = view(env, info, &array);

  switch ((enum wv_op)self->box[WV_BOX_OP]) {
    case WV_OP_SET_MEMORY:
      return set_memory(env, self, bytes, array);
    case WV_OP_SET_ARGS:
      return set_strings(self, bytes, &guest->args);
    case WV_OP_SET_ENVIRON:
      return set_strings(self, bytes, &guest->environ);
    case WV_OP_SET_BUFFER:
      return set_buffer(env, self, bytes, array);
    case WV_OP_INSERT:
      return insert(self);
    case WV_OP_INSERT_BYTES: /* argument: guest fd */
      return insert_own(self, wv_sys_open_bytes(bytes.base, bytes.size));
    case WV_OP_PREOPEN:
      return preopen(self, bytes);
    case WV_OP_REMOVE:
      return wv_fd_remove(guest->fds, argument(self, 0));
    case WV_OP_DESCRIBE:
      return describe(self);
    case WV_OP_UNFLUSHED:
      return unflushed(self);
    case WV_OP_TAKEN:
      wv_buffer_taken(&guest->buffer);
      return WV_SUCCESS;
    case WV_OP_GIVE_BACK:
      return give_back(self, bytes);
    case WV_OP_DISCARD: /* OUT: bytes */
      self->box[WV_BOX_OUT] = wv_buffer_discard(guest);
      return WV_SUCCESS;
    case WV_OP_CAPTURE_SIZE: /* WIDE: bytes */
      wide(self)[0] = wv_capture_size(capture(self));
      return WV_SUCCESS;
    case WV_OP_CAPTURE_READ:
      if (bytes.size != wv_capture_size(capture(self))) return WV_EINVAL;
      wv_capture_read(capture(self), bytes.base);
      return WV_SUCCESS;
    case WV_OP_STATS:
      stats(self);
      return WV_SUCCESS;
    case WV_OP_CLOSE:
      return wv_guest_close(guest);
    default:
      return WV_ENOSYS;
  }
}

/* Between two slices of a wait: is the guest to go on? V8 sees that it is to
 * end only where it runs JS. A pending object is a full stack: for that there
 * is no room to wait in, and the guest finds it when it goes on. */
static bool goes_on(napi_env env) {
  napi_valuetype type = napi_undefined;
  napi_handle_scope scope;
  napi_value script;
  napi_value value;
  bool result;

  if (napi_open_handle_scope(env, &scope) != napi_ok) return false;
  result = napi_create_string_utf8(env, "0", 1, &script) == napi_ok &&
           napi_run_script(env, script, &value) == napi_ok;
  if (!result && napi_get_and_clear_last_exception(env, &value) == napi_ok &&
      napi_typeof(env, value, &type) == napi_ok)
    result = type == napi_object;
  napi_close_handle_scope(env, scope);
  return result;
}

static void finish(napi_env env, instance *self, wv_errno error) {
  if (error == WV_RESUME) {
    self->op = self->box[WV_BOX_OP];
    if (!goes_on(env)) error = WV_EINTR;
  }
  if (error == WV_DELIVER || error == WV_ASK)
    self->box[WV_BOX_OUT] = self->guest.target;
  self->box[WV_BOX_RESULT] = error;
}

/* The arguments are those of the call that waits. */
static void resume(napi_env env, instance *self) {
  wv_errno error;

  self->box[WV_BOX_OP] = self->op;
  self->guest.resumed = true;
  error = wv_dispatch(&self->guest, self->box);
  self->guest.resumed = false;
  finish(env, self, error);
}

static napi_value call(napi_env env, napi_callback_info info) {
  instance *self;
  wv_errno error;
  void *data;

  if (napi_get_cb_info(env, info, NULL, NULL, NULL, &data) != napi_ok)
    return NULL;
  self = data;
  if (self->box[WV_BOX_OP] > WV_OP_RESUME) {
    self->box[WV_BOX_RESULT] = control(env, info, self);
    wv_guest_release(&self->guest);
    return NULL;
  }
  if (self->box[WV_BOX_OP] == WV_OP_RESUME) {
    resume(env, self);
    return NULL;
  }
  error = wv_dispatch(&self->guest, self->box);
  if (error >= WV_ASK)
    finish(env, self, error);
  else
    self->box[WV_BOX_RESULT] = error;
  return NULL;
}

static void free_instance(instance *self) {
  uint32_t i;

  if (self->guest.fds != NULL) wv_guest_free(&self->guest);
  for (i = 0; i < self->capture_count; i++) wv_capture_free(self->captures[i]);
  free(self->captures);
  free(self);
}

/* With the function, or with the environment: also where a worker was ended in
 * the middle of a call. */
static void finalize(napi_env env, void *data, void *hint) {
  instance *self = data;
  napi_ref buffer = self->buffer;
  napi_ref memory = self->memory;

  (void)hint;
  free_instance(self);
  if (buffer != NULL) napi_delete_reference(env, buffer);
  if (memory != NULL) napi_delete_reference(env, memory);
}

/* create(waitTimeout, maxOpenFiles, mayBlock): the function of one guest. Its
 * `box` property is the mailbox, and keeps that alive for as long as the
 * function is. maxOpenFiles is -1 for the default. */
static napi_value create(napi_env env, napi_callback_info info) {
  size_t argc = 3;
  napi_value arguments[3], box, function;
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
      napi_get_value_bool(env, arguments[2], &self->guest.may_block) !=
          napi_ok ||
      napi_create_arraybuffer(env, WV_BOX_WORDS * sizeof(uint32_t), &memory,
                              &box) != napi_ok ||
      napi_create_function(env, "wasi", NAPI_AUTO_LENGTH, call, self,
                           &function) != napi_ok)
    goto fail;
  property.value = box;
  self->guest.fds = wv_fd_table_new(
      max_open_files < 0 ? wv_sys_half_of_limit() : (uint32_t)max_open_files);
  if (self->guest.fds == NULL ||
      napi_define_properties(env, function, 1, &property) != napi_ok ||
      napi_add_finalizer(env, function, self, finalize, NULL, NULL) != napi_ok)
    goto fail;
  self->box = memory;
  return function;

fail:
  free_instance(self);
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
