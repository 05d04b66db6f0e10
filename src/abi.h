/* The numbers of lib/native/abi.js. Made by scripts/build-calls.js. */
#ifndef WV_ABI_H
#define WV_ABI_H

/* clang-format off */
#define WV_ABI_HASH "6ca5374a81d512a0"

#define WV_ANSWER_DELIVER 65535u
#define WV_ANSWER_RESUME 65534u
#define WV_ANSWER_DELIVER_BUFFERED 65533u
#define WV_ANSWER_ASK 65532u
#define WV_ANSWER_ENDED 65531u
#define WV_BOX_OP 0u
#define WV_BOX_RESULT 1u
#define WV_BOX_OUT 2u
#define WV_BOX_ARGUMENTS 3u
#define WV_BOX_WIDE 6u
#define WV_BOX_WORDS 22u
#define WV_BUFFER_HEADER_SIZE 64u
#define WV_BUFFERED_CAPTURES 0u
#define WV_BUFFERED_AUTO 1u
#define WV_BUFFERED_ALL 2u
#define WV_INSERT_HOST 0u
#define WV_INSERT_TARGET 1u
#define WV_INSERT_CAPTURE 2u
#define WV_INSERT_NULL 3u
#define WV_INSERT_RUN 4u
#define WV_IS_OPEN 1u
#define WV_IS_TARGET 2u
#define WV_IS_CAPTURE 4u
#define WV_STREAM_NONE 0u
#define WV_STREAM_PIPE 1u
#define WV_STREAM_CAPTURE 2u
#define WV_WRITE_TRACED 1u
#define WV_WRITE_NOT_BUFFERED 2u
#define WV_WRITE_ASKED 4u
/* clang-format on */

#endif
