#!/bin/sh
# Deno in the place of `node`, by the command lines of the tests: DENO is Deno. What
# Node prints as a warning Deno does not; other flags than these are V8's.
#
#   deno.sh [--no-warnings] [--require FILE] [--FLAG-OF-V8] FILE|-e CODE [ARGS...]

flags='--no-lock'
while :; do
  case $1 in
    --no-warnings | --disable-warning=*) ;;
    --require)
      flags="$flags --require $2"
      shift
      ;;
    -e)
      shift
      set -- "$(dirname "$0")/eval.cjs" "$@"
      break
      ;;
    --*) flags="$flags --v8-flags=$1" ;;
    *) break ;;
  esac
  shift
done
# shellcheck disable=SC2086
exec "$DENO" run -A $flags "$@"
