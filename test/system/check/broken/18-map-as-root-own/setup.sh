# needs root
chown 0:0 run
