#!/bin/sh
# Runs Node for musl, the program NODE_FOR_MUSL, by the command lines that tests have for
# `node`. That program takes no flags, so they become NODE_OPTIONS.
#
#   musl-node.sh [--FLAG|--require FILE] FILE|-e CODE [ARGS...]

while :; do
  case $1 in
    --require | --import)
      NODE_OPTIONS="$NODE_OPTIONS $1 $2"
      shift
      ;;
    -e)
      shift
      set -- "$(dirname "$0")/../runtimes/eval.cjs" "$@"
      break
      ;;
    --*) NODE_OPTIONS="$NODE_OPTIONS $1" ;;
    *) break ;;
  esac
  shift
done
export NODE_OPTIONS
exec env LD_LIBRARY_PATH="$MUSL_LIBRARIES" LD_PRELOAD="$MUSL_PRELOAD" "$NODE_FOR_MUSL" "$@"
