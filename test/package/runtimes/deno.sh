#!/bin/sh
# Runs Deno, whose path is DENO, by the command lines that tests have for `node`. Drops
# --no-warnings: Deno does not print Node's warnings. Passes other flags to V8.
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
