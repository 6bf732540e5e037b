#!/bin/sh
# What Squid starts as its helper: keep.sh NODE MAIN [ARGUMENT…]
#
# A Squid whose helper exits can abort (5.7: "assertion failed: Write.cc" when
# questions are on their way to it), or exit (when the helper had not yet answered). So the process that Squid knows is this shell, which exits only at the end of its input. It is tiny: the OOM killer takes the helper behind it. Both share the socket. When the helper exits before the end of the input, the next one takes over, and questions wait in the socket until then.
#
# Between two starts this shell answers ERR, so that Squid chooses itself: one question,
# then twice as many each time the helper has exited on its own, up to 64. So a helper that cannot start uses no CPU while no questions come.
trap '' HUP INT TERM USR1 USR2
# Squid's environment must not load modules into the helper: one that touches process.stdout
# makes the socket non-blocking, and one that prints makes Squid exit
unset NODE_OPTIONS
node=$1
shift

newline='
'
# Reads the next question into $line; at the end of the input this shell exits.
# On a non-blocking socket read also fails when there is no data yet. dd distinguishes the two: it fails then, and succeeds without a byte at the end.
next_question() {
  line=
  until IFS= read -r part; do
    until byte=$(dd bs=1 count=1 2>/dev/null && echo .); do sleep 0.2; done
    line=$line$part
    case $byte in
    .) exit 0 ;;
    "$newline.") return ;;
    esac
    line=$line${byte%.}
  done
  line=$line$part
}

count=1
while :; do
  # a lookup leaves little garbage: a small semi-space saves 8 MB and shortens the pauses
  "$node" --max-semi-space-size=1 "$@"
  code=$?
  [ "$code" -eq 0 ] && exit 0
  echo "squid-helper ended with $code, it is started again" >&2
  # above 128: killed by a signal
  left=1
  if [ "$code" -le 128 ]; then
    left=$count
    [ "$count" -ge 64 ] || count=$((count * 2))
  fi
  while [ "$left" -gt 0 ]; do
    next_question
    channel=${line%% *}
    case $channel in
    '' | *[!0-9]*) echo ERR ;;
    *) echo "$channel ERR" ;;
    esac
    left=$((left - 1))
  done
done
