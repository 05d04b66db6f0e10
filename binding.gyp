# For a checkout. The package has src/binding.gyp alone: where there is one at its
# top, some package managers compile at each install.
{
  "make_global_settings": [["LINK", "$(CC)"]], # as in src/binding.gyp
  "targets": [
    {
      "target_name": "all_of_wasi_writev",
      "type": "none",
      "dependencies": ["src/binding.gyp:wasi_writev"]
    }
  ]
}
