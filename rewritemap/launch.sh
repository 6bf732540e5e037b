#!/bin/sh
# What httpd starts as its RewriteMap program: launch.sh NODE MAIN [ARGUMENT…]
#
# On a graceful restart httpd sends SIGTERM to the process that it started,
# while its old children still make lookups through the old pipe. So the process
# that httpd started is this shell, which dies at once. The map program behind
# it keeps answering until the last old child has closed the pipe, then exits.
#
# The map program must be the only holder of the pipe, or it would never see the
# end of input. So this shell passes stdin on (a background job's stdin would be
# /dev/null) and then closes both ends. httpd sets no environment and no PATH:
# only builtins of sh are used.
exec 3<&0
node=$1
shift
# a lookup leaves little garbage: a small semi-space saves 8 MB and shortens
# the pauses of the garbage collector
"$node" --max-semi-space-size=1 "$@" --launched <&3 3<&- &
map=$!
exec 3<&- <&- >&-
# a stopped (SIGSTOP) map program would block the old children forever
trap 'kill -CONT "$map"; trap - TERM; kill "$$"' TERM
wait
