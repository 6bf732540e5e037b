#!/bin/sh
# What Squid starts as its helper: keep.sh NODE MAIN [ARGUMENT…]
#
# A Squid whose helper ends can abort (5.7: "assertion failed: Write.cc" when
# questions are on their way to it), or exit (when the helper had not yet answered).
# So the process that Squid knows is this shell, which ends with its input only. It
# is tiny: the system's OOM killer takes the helper behind it. Both have the same
# socket. When the helper ends before the input, the next one takes over, and
# questions wait in the socket meanwhile.
#
# Between two starts this shell answers ERR, so that Squid chooses by itself: once,
# and twice as often each time that the helper has ended by itself, up to 64. So a
# helper that cannot start uses no processor while no questions come.
trap '' HUP INT TERM USR1 USR2
# Squid's environment must not load modules into the helper: one that looks at
# process.stdout makes the socket non-blocking, one that prints ends Squid
unset NODE_OPTIONS
node=$1
shift

newline='
'
# The next question in $line; the end of the input ends this shell. On a
# non-blocking socket read also fails when nothing is there yet. dd knows the
# difference: it fails then, and succeeds without a byte at the end.
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
  # a lookup leaves little behind: 8 MB less, and shorter pauses to clean up
  "$node" --max-semi-space-size=1 "$@"
  code=$?
  [ "$code" -eq 0 ] && exit 0
  echo "squid-helper ended with $code, it is started again" >&2
  # above 128: by a signal
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
