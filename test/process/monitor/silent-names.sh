#!/bin/sh
# A separate machine with a name server that can fall silent: network, processes and
# the two files of the resolver are its own.
# Run by: unshare --net --mount --pid --fork --kill-child --mount-proc
#   sh silent-names.sh ROOT PROGRAM NODE MAIN CONFIG
# Each line of the standard input is a command; its name is printed when it is done.
set -eu
root=$1 program=$2 node=$3 main=$4 config=$5

ip link set lo up
echo 'nameserver 127.0.0.1' >"$root/resolv.conf"
mount --bind "$root/resolv.conf" /etc/resolv.conf
if [ -e /etc/nsswitch.conf ]; then
  echo 'hosts: dns' >"$root/nsswitch.conf"
  mount --bind "$root/nsswitch.conf" /etc/nsswitch.conf
fi

"$node" "$program" pages 8081 8082 &
"$node" "$program" names &
names=$!
monitor=
while read -r command; do
  case $command in
  start)
    "$node" "$main" monitor "--config=$config" &
    monitor=$!
    ;;
  stop)
    kill -TERM "$monitor"
    code=0
    wait "$monitor" || code=$?
    # 143: a lookup that hangs cannot be given up, so it ends by the signal
    case $code in
    0 | 143) ;;
    *)
      echo "the monitor ended with code $code" >&2
      exit 1
      ;;
    esac
    ;;
  silent)
    kill -STOP "$names"
    until grep -q '^State:.*T' "/proc/$names/status"; do sleep 0.05; done
    ;;
  answer) kill -CONT "$names" ;;
  esac
  echo "done: $command"
done
