{
  # Else a C++ compiler would be wanted, to link.
  "make_global_settings": [["LINK", "$(CC)"]],
  "targets": [
    {
      "target_name": "wasi_writev",
      "conditions": [
        # Windows has no writev: there the JavaScript engine does the work.
        ["OS=='win'", {"type": "none"}, {
          "sources": [
            "adopt.c",
            "binding.c",
            "ciovec.c",
            "errno_map.c",
            "fd_table.c",
            "sys_posix.c",
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
