#!/bin/sh
# What httpd starts as its RewriteMap program: launch.sh NODE MAIN [ARGUMENT…]
#
# On a graceful restart httpd sends SIGTERM to the child it knows, and its old
# children still have lookups to make through the old pipe. So the child it
# knows is this shell, which dies at once; the map behind it goes on answering
# until the last old child has closed the pipe, and ends by itself then.
#
# The map must be the only one that holds the pipe, or nobody would ever see
# its end: this shell passes stdin on (a background job's own is /dev/null) and
# then closes both ends. httpd gives no environment and no PATH; only what sh
# has built in is used.
exec 3<&0
node=$1
shift
# a lookup leaves little behind: 8 MB less, and shorter pauses to clean up
"$node" --max-semi-space-size=1 "$@" --launched <&3 3<&- &
map=$!
exec 3<&- <&- >&-
# a map that somebody stopped would keep the old children's visitors for ever
trap 'kill -CONT "$map"; trap - TERM; kill "$$"' TERM
wait
