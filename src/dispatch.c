/* The calls of a guest. */
#include "dispatch.h"

#include "flush.h"
#include "run.h"

/* Flushes before a call that could see the buffered bytes, or wait for them. If
 * that fails for the call's fd, its errno is the call's. */
static wv_errno flush_before(wv_guest *guest, enum wv_op op,
                             const uint32_t *arguments) {
  wv_errno error = WV_SUCCESS;

  switch (op) {
    WV_CALLS_THAT_FLUSH_TWO
    error = wv_buffer_before(guest, arguments[1]);
    if (error != WV_SUCCESS) return error;
    return wv_buffer_before(guest, arguments[0]);
    WV_CALLS_THAT_FLUSH_ONE
    return wv_buffer_before(guest, arguments[0]);
    WV_CALLS_THAT_FLUSH
    return wv_buffer_before(guest, WV_NO_FD);
    default:
      return WV_SUCCESS;
  }
}

wv_errno wv_call(wv_guest *guest, const uint32_t *box) {
#define A(n) box[WV_BOX_ARGUMENTS + (n)]
#define W(n) ((const uint64_t *)(const void *)box)[WV_BOX_WIDE + (n)]
  switch ((enum wv_op)box[WV_BOX_OP]) {
    WV_DISPATCH_CALLS
    case WV_OP_BUFFERED_WRITE:
      return guest->buffer.base == NULL
                 ? wv_fd_write(guest, A(0), A(1), A(2), A(3))
                 : wv_buffered_write(guest, A(0), A(1), A(2), A(3), A(4));
    case WV_OP_BUFFERED_PWRITE:
      return guest->buffer.base == NULL
                 ? wv_fd_pwrite(guest, A(0), A(1), A(2), W(0), A(3))
                 : wv_buffered_pwrite(guest, A(0), A(1), A(2), W(0), A(3),
                                      A(4));
    case WV_OP_FLUSH:
      return wv_buffer_flush(guest, A(0));
    case WV_OP_FLUSH_BEFORE:
      return wv_buffer_before(guest, A(0));
    default:
      return WV_ENOSYS;
  }
#undef A
#undef W
}

/* A guest that is to end makes no call any more. What it has buffered goes out:
 * a thread that waits for room is terminated in the end. */
static bool is_to_end(const wv_guest *guest, enum wv_op op) {
  return op != WV_OP_FLUSH && guest->run != NULL && wv_run_is_over(guest->run);
}

wv_errno wv_call_with_care(wv_guest *guest, const uint32_t *box) {
  wv_errno error = WV_SUCCESS;

  if (is_to_end(guest, (enum wv_op)box[WV_BOX_OP])) {
    wv_guest_release(guest);
    return box[WV_BOX_OP] == WV_OP_FLUSH_BEFORE ? WV_SUCCESS : WV_ENDED;
  }
  if (guest->resumed)
    guest->lookups.next = 0;
  else
    wv_guest_release(guest); /* V8 may have ended a call that waited */
  if (guest->buffer.entry != NULL)
    error =
        flush_before(guest, (enum wv_op)box[WV_BOX_OP], box + WV_BOX_ARGUMENTS);
  if (error == WV_SUCCESS) error = wv_call(guest, box);
  if (error != WV_RESUME) wv_guest_release(guest);
  return error;
}
