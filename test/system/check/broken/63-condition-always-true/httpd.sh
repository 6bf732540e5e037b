#!/bin/sh
# an httpd that says it is an older one
case $* in
*-V*) echo Server version: Apache/2.4.64 ;;
*) exec @HTTPD@ "$@" ;;
esac
