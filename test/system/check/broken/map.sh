#!/bin/sh
# A map program as many people write one: right, and simple.
while read -r line; do
  echo NULL
done
