{
  # Links with the C compiler: no C++ compiler is needed.
  "make_global_settings": [["LINK", "$(CC)"]],
  "targets": [
    {
      "target_name": "wasi_writev",
      "conditions": [
        # Windows has no writev: the fallback in JS is used there.
        ["OS=='win'", {"type": "none"}, {
          "sources": [
            "beneath.c",
            "binding.c",
            "capture.c",
            "directory.c",
            "dispatch.c",
            "errno_map.c",
            "fd_table.c",
            "flush.c",
            "guest.c",
            "host.c",
            "host_streams.c",
            "iovec.c",
            "preview1/buffered.c",
            "preview1/fd.c",
            "preview1/fd_read.c",
            "preview1/fd_readdir.c",
            "preview1/fd_write.c",
            "preview1/filestat.c",
            "preview1/path.c",
            "preview1/path_open.c",
            "preview1/poll.c",
            "preview1/process.c",
            "preview1/sock.c",
            "run.c",
            "sharing.c",
            "stream.c",
            "sys_posix.c",
            "sys_posix_dir.c",
            "sys_posix_lock.c",
            "sys_posix_path.c",
            "sys_posix_stat.c",
            "sys_posix_wait.c",
            "wait.c",
            "walk.c",
            "write.c"
          ],
          "defines": ["NAPI_VERSION=8", "_FILE_OFFSET_BITS=64"],
          "cflags": [
            "-std=c11", "-O2", "-fvisibility=hidden",
            "-Wall", "-Wextra", "-Wconversion", "-Wshadow"
          ],
          "ldflags": ["-Wl,-z,relro,-z,now,-z,noexecstack"]
        }],
        ["OS=='mac'", {
          "xcode_settings": {
            "MACOSX_DEPLOYMENT_TARGET": "11.0",
            "OTHER_CFLAGS": [
              "-std=c11", "-O2", "-fvisibility=hidden",
              "-Wall", "-Wextra", "-Wconversion", "-Wshadow"
            ]
          }
        }]
      ]
    }
  ]
}
