#!/bin/sh
# A separate machine for a backend: two network namespaces with a cable between them.
# Run by: unshare --net --pid --fork --kill-child --mount-proc
#   sh gone-machine.sh PYTHON APP NODE MAIN CONFIG
# A line on the standard input takes the backend's address away: no answer comes from
# there any more, no reset, no ARP. Another line brings it back.
set -eu
python=$1 app=$2 node=$3 main=$4 config=$5

ip link set lo up
unshare --net sleep infinity &
far=$!
# until it is in its own
while [ "$(readlink /proc/$far/ns/net)" = "$(readlink /proc/$$/ns/net)" ]; do
  sleep 0.05
done
ip link add near type veth peer name far
ip link set far netns $far
ip address add 10.99.0.1/24 dev near
ip link set near up
there() { nsenter --net --target $far "$@"; }
there ip address add 10.99.0.2/24 dev far
there ip link set far up
there "$python" "$app" waitress 8080 10.99.0.2 &
"$node" "$main" monitor "--config=$config" &
read -r _
there ip link set far arp off
there ip address flush dev far
read -r _
there ip link set far arp on
there ip address add 10.99.0.2/24 dev far
read -r _
